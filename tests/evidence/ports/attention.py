"""Attention by itself: PyTorch's kernels and MultiheadAttention, by hand, and ports to JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

import samestep
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
BATCH, LENGTH, HEADS, WIDTH = 2, 6, 4, 8
DIM = HEADS * WIDTH
BFLOAT16 = jnp.bfloat16


def arrays(model: nn.Module) -> dict[str, np.ndarray]:
    """Return copies of a module's parameters by name."""
    return {name: value.detach().numpy().copy() for name, value in model.named_parameters()}


def stirred(model: nn.Module, size: float = 0.1) -> nn.Module:
    """Return the module with its biases and norms moved, so that they do something."""
    with torch.no_grad():
        for value in model.parameters():
            if value.ndim == 1:
                value.add_(size * torch.randn_like(value))
    return model


def inputs(seed: int, *shape: int, gain: float = 1.0) -> np.ndarray:
    return (gain * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


# -- references ------------------------------------------------------------------------------------------


class SelfAttention(nn.Module):
    """Causal self-attention by PyTorch's kernel; several heads of queries share one of keys and values."""

    def __init__(self, groups: int = HEADS) -> None:
        super().__init__()
        self.groups, self.num_heads = groups, HEADS
        self.query, self.out = nn.Linear(DIM, DIM), nn.Linear(DIM, DIM)
        self.key, self.value = nn.Linear(DIM, groups * WIDTH), nn.Linear(DIM, groups * WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (self.heads(part(x)) for part in (self.query, self.key, self.value))
        return self.out(self.attend(q, k, v).transpose(1, 2).flatten(2))

    def heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (-1, WIDTH)).transpose(1, 2)

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.groups != HEADS)


class ByHand(SelfAttention):
    """The same with its scores in view."""

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        later = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).triu(1)
        scores = (q @ k.mT / WIDTH**0.5).masked_fill(later, float("-inf"))
        return scores.softmax(-1) @ v


class Flash(SelfAttention):
    """The same by the flash kernel."""

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return super().attend(q, k, v)


class Alone(nn.Module):
    """A model of nothing but an attention, so that the attention is a layer of it."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x)


class Multihead(nn.Module):
    """PyTorch's MultiheadAttention of a sequence with itself, where some keys are padded."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(DIM, HEADS, batch_first=True)

    def forward(self, x: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, key_padding_mask=padded, need_weights=False)[0]


# -- ports -----------------------------------------------------------------------------------------------


def attend(
    q: Any, k: Any, v: Any, blocked: Any, *, scale: float | None = None, fill: float = -jnp.inf, axis: int = -1,
    scores_in: Any = jnp.float32, softmax_in: Any = jnp.float32,
) -> Any:  # fmt: skip
    """Attention of (batch, positions, heads, width); ``blocked`` broadcasts to (batch, heads, query, key)."""
    q, k = q.astype(scores_in), k.astype(scores_in)
    scores = jnp.einsum("bqhk,bshk->bhqs", q, k, preferred_element_type=jnp.float32)
    scores = jnp.where(blocked, fill, scores * (q.shape[-1] ** -0.5 if scale is None else scale))
    weights = jax.nn.softmax(scores.astype(softmax_in), axis).astype(jnp.float32)
    return jnp.einsum("bhqs,bshk->bqhk", weights, v)


def causal(length: int, ahead: int = 0) -> Any:
    """What a causal mask blocks; ``ahead`` positions more are seen."""
    return jnp.triu(jnp.ones((length, length), bool), 1 + ahead)


def recut(kernel: Any, bias: Any, split: str) -> tuple[Any, Any]:
    """A projection (in, heads, width) with its outputs cut as (width, heads) for "kh"."""
    if split == "hk":
        return kernel, bias
    heads, width = kernel.shape[1:]
    return kernel.reshape(-1, width, heads).swapaxes(1, 2), bias.reshape(width, heads).T


def projected(
    p: Mapping[str, Any], x: Any, split: str = "hk", turned: str = "", prefix: str = ""
) -> list[Any]:
    """Queries, keys and values, (batch, positions, heads, width); one kernel may be ``turned``."""
    parts = []
    for name in ("query", "key", "value"):
        kernel, bias = recut(p[name]["kernel"], p[name]["bias"], split)
        if turned == name:
            kernel = kernel.reshape(len(kernel), -1).T.reshape(kernel.shape)
        parts.append(samestep.tag(jnp.einsum("btd,dhk->bthk", x, kernel) + bias, prefix + name))
    return parts


def merged(
    p: Mapping[str, Any], mixed: Any, turned: bool = False, bias: bool = True, prefix: str = ""
) -> Any:
    """Heads merged and projected."""
    kernel = p["out"]["kernel"]
    if turned:
        kernel = kernel.reshape(-1, kernel.shape[-1]).T.reshape(kernel.shape)
    out = jnp.einsum("bthk,hkd->btd", mixed, kernel)
    return samestep.tag(out + p["out"]["bias"] if bias else out, f"{prefix}out")


def port(
    p: Mapping[str, Any], x: Any, *, split: str = "hk", turned: str = "", bias: bool = True, ahead: int = 0,
    spread: str = "repeat", **mistakes: Any,
) -> Any:  # fmt: skip
    """Causal self-attention; the keywords are mistakes."""
    q, k, v = projected(p, x, split, turned)
    times = q.shape[2] // k.shape[2]
    if spread == "repeat":
        k, v = (jnp.repeat(part, times, axis=2) for part in (k, v))
    else:
        k, v = (jnp.tile(part, (1, 1, times, 1)) for part in (k, v))
    return merged(p, attend(q, k, v, causal(x.shape[1], ahead), **mistakes), turned == "out", bias)


def padded_port(p: Mapping[str, Any], x: Any, padded: Any, *, inverted: bool = False, **mistakes: Any) -> Any:
    """Self-attention where some keys are padded."""
    blocked = (~padded if inverted else padded)[:, None, None, :]
    return merged(p, attend(*projected(p, x), blocked, **mistakes))


def library(p: Mapping[str, Any], x: Any) -> Any:
    """Causal self-attention by JAX's own function."""
    return merged(p, jax.nn.dot_product_attention(*projected(p, x), is_causal=True))


def by_vmap(p: Mapping[str, Any], x: Any, padded: Any) -> Any:
    """One head of one sequence, mapped over both."""

    def head(q: Any, k: Any, v: Any, blocked: Any) -> Any:
        return jax.nn.softmax(jnp.where(blocked, -jnp.inf, q @ k.T / WIDTH**0.5)) @ v

    over_heads = jax.vmap(head, in_axes=(1, 1, 1, None), out_axes=1)
    return merged(p, jax.vmap(over_heads)(*projected(p, x), padded))


def dense(state: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The kernel (in, out) and the bias of one of PyTorch's linear layers."""
    layer = {"kernel": state[f"{name}.weight"].T}
    return layer | ({"bias": state[f"{name}.bias"]} if f"{name}.bias" in state else {})


def cut(layer: Mapping[str, np.ndarray], width: int = WIDTH) -> dict[str, np.ndarray]:
    """A projection to heads: kernel (in, heads, width)."""
    kernel = layer["kernel"]
    return {"kernel": kernel.reshape(len(kernel), -1, width), "bias": layer["bias"].reshape(-1, width)}


def joined(layer: Mapping[str, np.ndarray], width: int = WIDTH) -> dict[str, np.ndarray]:
    """A projection from heads: kernel (heads, width, out)."""
    return {**layer, "kernel": layer["kernel"].reshape(-1, width, layer["kernel"].shape[-1])}


def separate(state: Mapping[str, np.ndarray], prefix: str = "", width: int = WIDTH) -> dict[str, Any]:
    """The port's parameters from those of `SelfAttention`."""
    layers = {name: dense(state, prefix + name) for name in ("query", "key", "value", "out")}
    return {name: (joined if name == "out" else cut)(layer, width) for name, layer in layers.items()}


def unpacked(
    state: Mapping[str, np.ndarray], prefix: str = "attention.", width: int = WIDTH
) -> dict[str, Any]:
    """The port's parameters from those of `torch.nn.MultiheadAttention`, which packs three projections."""
    weights, biases = (np.split(state[f"{prefix}in_proj_{what}"], 3) for what in ("weight", "bias"))
    layers = {
        name: cut({"kernel": weight.T, "bias": bias}, width)
        for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True)
    }
    return layers | {"out": joined(dense(state, f"{prefix}out_proj"), width)}


# -- cases -----------------------------------------------------------------------------------------------


def case(
    seed: int, call: Callable[..., Any] = port, groups: int = HEADS, gain: float = 1.0, **mistakes: Any
) -> Case:
    """PyTorch's kernel against a port to JAX."""
    torch.manual_seed(seed)
    model = stirred(Alone(SelfAttention(groups)))
    candidate = samestep.Model(partial(call, **mistakes), separate(arrays(model), "attention."))
    return Case(candidate, model, (inputs(seed, BATCH, LENGTH, DIM, gain=gain),))


def torch_case(seed: int, candidate: type[SelfAttention]) -> Case:
    """PyTorch's kernel against another one."""
    torch.manual_seed(seed)
    reference, other = stirred(Alone(SelfAttention())), Alone(candidate())
    other.load_state_dict(reference.state_dict())
    return Case(other, reference, (inputs(seed, BATCH, LENGTH, DIM),))


def padded_case(
    seed: int, call: Callable[..., Any] = padded_port, gain: float = 1.0, **mistakes: Any
) -> Case:
    """MultiheadAttention with padded keys against a port to JAX."""
    torch.manual_seed(seed)
    model = stirred(Multihead())
    padded = np.arange(LENGTH) >= np.array([[LENGTH], [LENGTH - 2]])
    x = inputs(seed, BATCH, LENGTH, DIM, gain=gain)
    return Case(samestep.Model(partial(call, **mistakes), unpacked(arrays(model))), model, (x, padded))


PORTS = (
    Port("attention: SDPA -> JAX by hand", case, NEEDS),
    Port("attention: SDPA -> jax.nn.dot_product_attention", partial(case, call=library), NEEDS),
    Port("attention: SDPA -> torch by hand", partial(torch_case, candidate=ByHand), NEEDS),
    Port("attention: SDPA -> flash kernel", partial(torch_case, candidate=Flash), NEEDS),
    Port("attention: grouped heads, SDPA -> JAX", partial(case, groups=2), NEEDS),
    Port("attention: scores of 100, SDPA -> JAX", partial(case, gain=10.0), NEEDS),
    Port("attention: MultiheadAttention -> JAX by hand", padded_case, NEEDS),
    Port("attention: MultiheadAttention -> JAX, vmap over heads", partial(padded_case, call=by_vmap), NEEDS),
)

OUT = ("out", "output")
FAULTS = (
    Fault("attention scale 1/d", partial(case, scale=1 / WIDTH), NEEDS, OUT, "scaled by 1/8"),
    Fault("attention scale missing", partial(case, scale=1.0), NEEDS, OUT, "scaled by 1,"),
    Fault("attention scale of all heads", partial(case, scale=DIM**-0.5), NEEDS, OUT, "1/sqrt(32)"),
    Fault("attention scale x (1 + 1e-5)", partial(case, scale=WIDTH**-0.5 * (1 + 1e-5)), NEEDS, OUT, "scale"),
    Fault("causal mask shifted by one", partial(case, ahead=1), NEEDS, OUT, "one position ahead"),
    Fault("causal mask missing", partial(case, ahead=LENGTH), NEEDS, OUT, "mask is missing"),
    Fault("masked scores -10", partial(case, fill=-10.0), NEEDS, OUT, "masked scores are -10"),
    Fault(
        "masked scores -1e4", partial(case, fill=-1e4), NEEDS, OUT,
        unseen="exp(-1e4) is 0: on rows that see something it is the same function",
    ),
    Fault("masked scores -100 under scores of 100", partial(case, fill=-100.0, gain=30.0), NEEDS, OUT, "masked"),
    Fault("softmax over the queries", partial(padded_case, axis=-2, fill=-1e9), NEEDS, OUT, "queries"),
    Fault("padding mask inverted", partial(padded_case, inverted=True), NEEDS, OUT, "NaN or infinite"),
    Fault("heads cut as (width, heads)", partial(case, split="kh"), NEEDS, ("query", *OUT), "heads are cut"),
    Fault("query kernel transposed", partial(case, turned="query"), NEEDS, ("query",), "transposed"),
    Fault("output kernel transposed", partial(case, turned="out"), NEEDS, OUT, "transposed"),
    Fault("output bias missing", partial(case, bias=False), NEEDS, OUT, "bias"),
    Fault("grouped heads tiled", partial(case, groups=2, spread="tile"), NEEDS, OUT),
    Fault("scores of bfloat16", partial(case, scores_in=BFLOAT16), NEEDS, OUT, verdicts=("weaker",)),
    Fault("softmax in bfloat16", partial(case, softmax_in=BFLOAT16), NEEDS, OUT, verdicts=("weaker",)),
)  # fmt: skip
