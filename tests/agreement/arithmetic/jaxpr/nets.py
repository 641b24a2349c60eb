"""Small networks in plain JAX, forward and gradients, for the tests of the JAX engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from samestep.agreement.arithmetic.jaxpr.tags import tag

Net = tuple[Callable[..., Mapping[str, Any]], tuple[Any, ...]]


def named(loss: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return the function of a loss and its gradients by the path of each parameter."""

    def step(params: Any, *rest: Any) -> dict[str, Any]:
        value, gradients = jax.value_and_grad(loss)(params, *rest)
        leaves, _ = jax.tree_util.tree_flatten_with_path(gradients)
        return {"loss": value, **{jax.tree_util.keystr(path): leaf for path, leaf in leaves}}

    return step


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def dense(rng: np.random.Generator, inputs: int, outputs: int) -> dict[str, np.ndarray]:
    return {"w": normal(rng, inputs, outputs, scale=inputs**-0.5), "b": normal(rng, outputs, scale=0.125)}


def affine(rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    return {"g": 1 + normal(rng, size, scale=0.125), "b": normal(rng, size, scale=0.125)}


def cross_entropy(logits: Any, classes: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), classes[..., None], -1))


def linear(x: Any, p: Any) -> Any:
    return x @ p["w"] + p["b"]


def mlp(rng: np.random.Generator, inputs: int = 100, batch: int = 32) -> Net:
    params = [dense(rng, a, b) for a, b in ((inputs, 32), (32, 16), (16, 10))]

    def loss(params: Any, x: Any, y: Any) -> Any:
        for p in params[:-1]:
            x = tag(jax.nn.relu(linear(x, p)), "layer")
        return cross_entropy(linear(x, params[-1]), y)

    pixels = rng.integers(0, 256, (batch, inputs)) / np.float32(255)
    return named(loss), (params, pixels.astype(np.float32), rng.integers(0, 10, batch))


def batch_norm(x: Any, p: Any, eps: float = 1e-5) -> Any:
    mean = x.mean((0, 2, 3), keepdims=True)
    var = jnp.square(x - mean).mean((0, 2, 3), keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * p["g"][:, None, None] + p["b"][:, None, None]


def cnn(rng: np.random.Generator, width: int = 8, size: int = 12, batch: int = 4) -> Net:
    params = {
        "first": normal(rng, width, 3, 3, 3, scale=0.25),
        "norm": affine(rng, width),
        "second": normal(rng, 2 * width, width, 3, 3, scale=0.125),
        "head": dense(rng, 2 * width, 10),
    }

    def conv(x: Any, w: Any, stride: int) -> Any:
        return lax.conv_general_dilated(
            x, w, (stride, stride), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")
        )

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = jax.nn.relu(batch_norm(conv(x, p["first"], 1), p["norm"]))
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        h = jax.nn.relu(conv(h, p["second"], 2))
        return cross_entropy(linear(h.mean((2, 3)), p["head"]), y)

    return named(loss), (params, normal(rng, batch, 3, size, size), rng.integers(0, 10, batch))


def layer_norm(x: Any, p: Any, eps: float = 1e-5) -> Any:
    mean = x.mean(-1, keepdims=True)
    var = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * p["g"] + p["b"]


def attention(x: Any, p: Any, heads: int) -> Any:
    batch, length, width = x.shape
    parts = jnp.split(linear(x, p["qkv"]), 3, -1)
    q, k, v = (t.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3) for t in parts)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(width // heads)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    return linear((jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(x.shape), p["out"])


def gpt(rng: np.random.Generator, width: int = 24, layers: int = 1, words: int = 31, length: int = 12) -> Net:
    params = {
        "words": normal(rng, words, width, scale=0.25),
        "places": normal(rng, length, width, scale=0.25),
        "blocks": [block(rng, width) for _ in range(layers)],
    }

    def loss(p: Any, ids: Any, y: Any) -> Any:
        x = p["words"][ids] + p["places"]
        for b in p["blocks"]:
            x = x + attention(layer_norm(x, b["norm1"]), b, width // 8)
            x = x + linear(jax.nn.gelu(linear(layer_norm(x, b["norm2"]), b["up"])), b["down"])
        return cross_entropy(x @ p["words"].T, y)

    return named(loss), (params, *rng.integers(0, words, (2, 3, length)))


def block(rng: np.random.Generator, width: int) -> dict[str, Any]:
    return {
        "norm1": affine(rng, width),
        "qkv": dense(rng, width, 3 * width),
        "out": dense(rng, width, width),
        "norm2": affine(rng, width),
        "up": dense(rng, width, 4 * width),
        "down": dense(rng, 4 * width, width),
    }


def recurrent(rng: np.random.Generator, gates: int, length: int) -> tuple[Any, ...]:
    size = 12
    params = {"in": dense(rng, 8, gates * size), "back": dense(rng, size, gates * size),
              "head": dense(rng, size, 5)}  # fmt: skip
    return params, normal(rng, length, 4, 8), rng.integers(0, 5, 4)


def gru(rng: np.random.Generator, length: int = 7) -> Net:
    def cell(p: Any, h: Any, x: Any) -> Any:
        r, z, n = jnp.split(linear(x, p["in"]), 3, -1)
        hr, hz, hn = jnp.split(linear(h, p["back"]), 3, -1)
        r, z = jax.nn.sigmoid(r + hr), jax.nn.sigmoid(z + hz)
        h = (1 - z) * jnp.tanh(n + r * hn) + z * h
        return h, None

    def loss(p: Any, xs: Any, y: Any) -> Any:
        h, _ = lax.scan(lambda h, x: cell(p, h, x), jnp.zeros((4, 12)), xs)
        return cross_entropy(linear(h, p["head"]), y)

    return named(loss), recurrent(rng, 3, length)


def lstm(rng: np.random.Generator, length: int = 7) -> Net:
    def cell(p: Any, state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(linear(x, p["in"]) + linear(h, p["back"]), 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    def loss(p: Any, xs: Any, y: Any) -> Any:
        zeros = jnp.zeros((4, 12))
        (h, _), _ = lax.scan(jax.checkpoint(lambda s, x: cell(p, s, x)), (zeros, zeros), xs, reverse=True)
        return cross_entropy(linear(h, p["head"]), y)

    return named(loss), recurrent(rng, 4, length)


NETS: dict[str, Callable[[np.random.Generator], Net]] = {
    "mlp": mlp, "cnn": cnn, "gpt": gpt, "gru": gru, "lstm": lstm,
}  # fmt: skip

#: The networks whose cost is measured.
SPEED: dict[str, Callable[[np.random.Generator], Net]] = {
    "MLP 26k": lambda rng: mlp(rng, 784, 64),
    "GPT 0.1M": lambda rng: gpt(rng, 64, 2, 101, 32),
    "GPT 0.8M": lambda rng: gpt(rng, 128, 4, 101, 64),
    "CNN": lambda rng: cnn(rng, 32, 24, 8),
    "GRU": lambda rng: gru(rng, 20),
    "LSTM": lambda rng: lstm(rng, 20),
}
