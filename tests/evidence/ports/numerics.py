"""Where numbers are hard: gradients that are 0, long sums, large and small values, NaN, integers, no rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import samestep
from tests.evidence.ports.jax_layers import normal, weights
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
ROWS = 300_000
Arrays = dict[str, np.ndarray]


def pair(
    seed: int, reference: Callable[..., Any], port: Callable[..., Any],
    make: Callable[[int], tuple[Arrays, Any]], **mistakes: Any,
) -> Case:  # fmt: skip
    """Two functions of the same parameters and inputs, which ``make(seed)`` draws."""
    params, inputs = make(seed)
    call = partial(port, **mistakes) if mistakes else port
    return Case(
        samestep.Model(call, params, framework="jax"),
        samestep.Model(reference, params, framework="torch"),
        inputs,
    )


def layers(seed: int, size: float = 1.0, rows: int = 12) -> tuple[Arrays, Any]:
    """Two matrices with biases, and inputs of that size."""
    params = {"w": normal(seed, 16, 24) / 4, "b": normal(seed + 1, 24), "v": normal(seed + 2, 24, 6) / 4}
    return params, (np.float32(size) * normal(seed + 3, rows, 16),)


# -- gradients that are 0 ------------------------------------------------------------------------------


def batch_norm_torch(p: Any, x: Any) -> Any:
    h = functional.batch_norm(x @ p["w"] + p["b"], None, None, training=True)
    return torch.relu(h) @ p["v"]


def batch_norm_jax(p: Any, x: Any, *, after: bool = False) -> Any:
    h = samestep.tag(x @ p["w"] + (0 if after else p["b"]), "first")
    h = (h - h.mean(0)) / jnp.sqrt(h.var(0) + 1e-5)
    return jax.nn.relu(h + p["b"] if after else h) @ p["v"]


def attention(seed: int, size: float = 1.0) -> tuple[Arrays, Any]:
    """Queries, keys with a bias, and values; and a mask that leaves nothing in one row."""
    params = {name: normal(seed + i, 8, 8) / 2 for i, name in enumerate("qkv")}
    params["bias"] = normal(seed + 4, 8)
    mask = np.tril(np.ones((5, 5), bool), -1)  # nothing before the first
    return params, (np.float32(size) * normal(seed + 5, 3, 5, 8), mask)


def attention_torch(p: Any, x: Any, mask: Any, *, fill: float | None = None) -> Any:
    scores = (x @ p["q"]) @ (x @ p["k"] + p["bias"]).mT / 8**0.5
    if fill is not None:
        scores = scores.masked_fill(~mask, fill)
    return scores.softmax(-1) @ (x @ p["v"])


def attention_jax(
    p: Any, x: Any, mask: Any, *, fill: float | None = None, zero: bool = False, scale: float = 8.0
) -> Any:
    scores = (x @ p["q"]) @ (x @ p["k"] + p["bias"]).mT / scale**0.5
    if fill is not None:
        scores = jnp.where(mask, scores, fill)
    weights = jax.nn.softmax(scores)
    return (jnp.nan_to_num(weights) if zero else weights) @ (x @ p["v"])


def dead_torch(p: Any, x: Any) -> Any:
    return torch.relu(x @ p["w"] - 100) @ p["v"]


def dead_jax(p: Any, x: Any, *, slope: float = 0.0) -> Any:
    return jax.nn.leaky_relu(x @ p["w"] - 100, slope) @ p["v"]


# -- sizes -------------------------------------------------------------------------------------------


def norm_case(seed: int, size: float, **mistakes: Any) -> Case:
    """A LayerNorm of a product with inputs of that size."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(16, 24), nn.LayerNorm(24), nn.Tanh(), nn.Linear(24, 6))
    nn.init.zeros_(model[0].bias)
    call = partial(norm_jax, **mistakes)
    return Case(samestep.Model(call, weights(model)), model, (np.float32(size) * normal(seed, 12, 16),))


def norm_jax(p: Any, x: Any, *, eps: float = 1e-5) -> Any:
    h = samestep.tag(x @ p["0.weight"] + p["0.bias"], "first")
    h = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + eps)
    h = samestep.tag(h * p["1.weight"] + p["1.bias"], "norm")
    return jnp.tanh(h) @ p["3.weight"] + p["3.bias"]


def tanh_torch(p: Any, x: Any) -> Any:
    return torch.tanh(x @ p["w"] + p["b"]) @ p["v"]


def tanh_jax(p: Any, x: Any, *, factor: float = 1.0) -> Any:
    return factor * (jnp.tanh(x @ p["w"] + p["b"]) @ p["v"])


def far_apart(seed: int) -> tuple[Arrays, Any]:
    """Parameters of 10^15 and 10^-15."""
    params, inputs = layers(seed)
    return params | {"w": params["w"] * np.float32(1e15), "v": params["v"] * np.float32(1e-15)}, inputs


def product_torch(p: Any, x: Any) -> Any:
    return torch.relu(x @ p["w"] + p["b"]) @ p["v"]


def product_jax(p: Any, x: Any, *, bias: bool = True) -> Any:
    return jax.nn.relu(x @ p["w"] + (p["b"] if bias else 0)) @ p["v"]


def large(seed: int) -> tuple[Arrays, Any]:
    """Inputs that are 10 to 150 somewhere: exp of them overflows."""
    return {"w": np.eye(16, dtype=np.float32) + normal(seed, 16, 16) / 99}, (40 * normal(seed + 1, 12, 16),)


def exp_torch(p: Any, x: Any) -> Any:
    return torch.exp(x @ p["w"])


def exp_jax(p: Any, x: Any, *, most: float | None = None) -> Any:
    y = jnp.exp(x @ p["w"])
    return jnp.minimum(y, most) if most else y


def softplus_torch(p: Any, x: Any) -> Any:
    return torch.logaddexp(x @ p["w"], torch.zeros(()))


def softplus_jax(p: Any, x: Any, *, naive: bool = False) -> Any:
    h = x @ p["w"]
    return jnp.log(1 + jnp.exp(h)) if naive else jnp.logaddexp(h, 0.0)


# -- long sums ---------------------------------------------------------------------------------------


def many_rows(seed: int) -> tuple[Arrays, Any]:
    return {"w": normal(seed, 3, 4)}, (normal(seed + 1, ROWS, 3) + np.float32(0.5),)


def pooled_torch(p: Any, x: Any) -> Any:
    return (torch.relu(x @ p["w"])).mean(0)


def pooled_jax(p: Any, x: Any, *, count: int = ROWS, skip: int = 0) -> Any:
    return jax.nn.relu(x @ p["w"])[skip:].sum(0) / count


def gram_torch(p: Any, x: Any) -> Any:
    return x.T @ x / len(x) @ p["w"]


def gram_jax(p: Any, x: Any, *, centred: bool = False, half: bool = False) -> Any:
    x = x - x.mean(0) if centred else x
    y = x.astype(jnp.bfloat16).astype(jnp.float32) if half else x
    return x.T @ y / len(x) @ p["w"]


# -- outputs of other kinds --------------------------------------------------------------------------


def kinds_torch(p: Any, x: Any) -> Any:
    h = x @ p["w"] + p["b"]
    return {"logits": h @ p["v"], "best": h.argmax(-1), "positive": h > 0, "loss": (h**2).mean()}


def kinds_jax(p: Any, x: Any, *, least: bool = False, at_least: float = 0.0, mean: bool = True) -> Any:
    h = x @ p["w"] + p["b"]
    best = h.argmin(-1) if least else h.argmax(-1)
    loss = jnp.square(h).mean() if mean else jnp.square(h).sum()
    return {"logits": h @ p["v"], "best": best, "positive": h > at_least, "loss": loss}


def narrow_torch(p: Any, x: Any) -> Any:
    return torch.tanh((x.bfloat16() @ p["w"].bfloat16()).float()) @ p["v"]


def narrow_jax(p: Any, x: Any, *, wide: bool = False) -> Any:
    w = p["w"].astype(jnp.bfloat16)
    return (
        jnp.tanh(x @ w.astype(jnp.float32) if wide else (x.astype(jnp.bfloat16) @ w).astype(jnp.float32))
        @ p["v"]
    )


LOWEST = float(np.finfo(np.float32).min)
BATCH_NORM = partial(pair, reference=batch_norm_torch, port=batch_norm_jax, make=layers)
ATTENTION = partial(pair, reference=attention_torch, port=attention_jax, make=attention)
MASKED = partial(ATTENTION, reference=partial(attention_torch, fill=-np.inf))
LOWEST_MASKED = partial(ATTENTION, reference=partial(attention_torch, fill=LOWEST))
DEAD = partial(pair, reference=dead_torch, port=dead_jax, make=layers)
TANH = partial(pair, reference=tanh_torch, port=tanh_jax)
PRODUCT = partial(pair, reference=product_torch, port=product_jax, make=far_apart)
EXP = partial(pair, reference=exp_torch, port=exp_jax, make=large)
SOFTPLUS = partial(pair, reference=softplus_torch, port=softplus_jax, make=large)
POOLED = partial(pair, reference=pooled_torch, port=pooled_jax, make=many_rows)
GRAM = partial(pair, reference=gram_torch, port=gram_jax, make=many_rows)
KINDS = partial(pair, reference=kinds_torch, port=kinds_jax, make=layers)
NARROW = partial(pair, reference=narrow_torch, port=narrow_jax, make=layers)

PORTS = tuple(
    Port(name, make, NEEDS)
    for name, make in {
        "bias before a BatchNorm": BATCH_NORM,
        "bias of the keys under a softmax": ATTENTION,
        "row without anything, -inf": partial(MASKED, fill=-np.inf),
        "row without anything, lowest number": partial(LOWEST_MASKED, fill=LOWEST),
        "ReLU that never fires": DEAD,
        "LayerNorm of inputs of 1e4": partial(norm_case, size=1e4),
        "LayerNorm of inputs of 1e-4": partial(norm_case, size=1e-4),
        "tanh of inputs of 1e4": partial(TANH, make=partial(layers, size=1e4)),
        "tanh of inputs of 1e-4": partial(TANH, make=partial(layers, size=1e-4)),
        "parameters of 1e15 and 1e-15": PRODUCT,
        "exp that overflows": EXP,
        "softplus of large numbers": SOFTPLUS,
        "mean of 300,000 rows": POOLED,
        "x.T @ x over 300,000 rows": GRAM,
        "integers, bools and a 0-d output": KINDS,
        "no rows": partial(TANH, make=partial(layers, rows=0)),
        "product in bfloat16 on both sides": NARROW,
    }.items()
)
fault = partial(Fault, needs=NEEDS)
OUTPUT = ("output*",)
FAULTS = (
    fault("bias after the BatchNorm", partial(BATCH_NORM, after=True), places=("first", *OUTPUT)),
    fault("scores / sqrt(7.9)", partial(ATTENTION, scale=7.9), places=OUTPUT),
    fault("scores / sqrt(8.0001)", partial(ATTENTION, scale=8.0001), places=OUTPUT),
    fault("lowest number for -inf, nothing left in a row", partial(MASKED, fill=LOWEST), places=OUTPUT,
          cause="finite"),
    fault("NaN replaced by 0", partial(MASKED, fill=-np.inf, zero=True), places=OUTPUT, cause="finite"),
    fault("-inf for the lowest number, nothing left in a row", partial(LOWEST_MASKED, fill=-np.inf),
          places=OUTPUT, cause="NaN"),
    fault("leaky ReLU where the ReLU never fires", partial(DEAD, slope=0.01), places=OUTPUT),
    fault("eps 1e-6 on inputs of 1e-4", partial(norm_case, size=1e-4, eps=1e-6), places=("norm",),
          cause="eps"),
    fault("eps 1e-6 on inputs of 100", partial(norm_case, size=100.0, eps=1e-6), places=("norm",),
          cause="eps"),
    fault("outputs x (1 + 1e-6), inputs of 1e4", places=OUTPUT, cause="of itself",
          make=partial(TANH, make=partial(layers, size=1e4), factor=1 + 1e-6)),
    fault("outputs x (1 + 1e-6), inputs of 1e-4", places=OUTPUT, cause="of itself",
          make=partial(TANH, make=partial(layers, size=1e-4), factor=1 + 1e-6)),
    fault("exp cut off", partial(EXP, most=1e30), places=OUTPUT, cause="finite"),
    fault("softplus that overflows", partial(SOFTPLUS, naive=True), places=OUTPUT, cause="NaN or infinite"),
    fault("mean over n - 1", partial(POOLED, count=ROWS - 1), places=OUTPUT, cause="of itself"),
    fault("mean without the first row", partial(POOLED, skip=1), places=OUTPUT),
    fault("x.T @ x of centred rows", partial(GRAM, centred=True), places=OUTPUT),
    fault("x.T @ x, one factor in bfloat16", partial(GRAM, half=True),
          places=("gradient of input 0", *OUTPUT), verdicts=("weaker",)),
    fault("argmin for argmax", partial(KINDS, least=True), places=("output best",)),
    fault("positive above 0.5", partial(KINDS, at_least=0.5), places=("output positive",)),
    fault("sum for mean in a 0-d output", partial(KINDS, mean=False), places=("output loss",), cause="288"),
)  # fmt: skip
