"""A Llama: root mean squares, rotary positions, gated feed-forward, shared keys and values; PyTorch to JAX."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

import samestep
from tests.evidence.ports.attention import arrays, attend, causal, stirred
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
LENGTH, TOKENS, DIM, HEADS, GROUPS, HIDDEN, DEPTH = 7, 19, 24, 4, 2, 20, 2
WIDTH, EPS, THETA = DIM // HEADS, 1e-5, 1e4


# -- the reference, whose names are those of transformers ------------------------------------------------


class RMSNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(DIM)), EPS

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


class Rotary(nn.Module):
    """Turns pairs of features, one of each half, by their position."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angles = torch.arange(x.shape[-2])[:, None] * THETA ** -(torch.arange(0, WIDTH, 2) / WIDTH)
        first, second = x.chunk(2, -1)
        cos, sin = angles.cos(), angles.sin()
        return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.o_proj = nn.Linear(DIM, DIM, bias=False), nn.Linear(DIM, DIM, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(DIM, GROUPS * WIDTH, bias=False) for _ in range(2))
        self.rotary_q, self.rotary_k = Rotary(), Rotary()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (part.unflatten(-1, (-1, WIDTH)).transpose(1, 2) for part in parts)
        mixed = scaled_dot_product_attention(
            self.rotary_q(q), self.rotary_k(k), v, is_causal=True, enable_gqa=True
        )
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(DIM, HIDDEN, bias=False), nn.Linear(DIM, HIDDEN, bias=False)
        self.act_fn, self.down_proj = nn.SiLU(), nn.Linear(HIDDEN, DIM, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_layernorm, self.self_attn = RMSNorm(), Attention()
        self.post_attention_layernorm, self.mlp = RMSNorm(), Gated()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(TOKENS, DIM)
        self.layers, self.norm = nn.ModuleList(Layer() for _ in range(DEPTH)), RMSNorm()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Llama(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model, self.lm_head = Stem(), nn.Linear(DIM, TOKENS, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.lm_head(self.model(tokens))


# -- the port --------------------------------------------------------------------------------------------


def rms_norm(weight: Any, x: Any, eps: float = EPS, form: str = "rms") -> Any:
    """A norm by the root mean square; with eps outside of the root, by the deviation, or 1 + the weight."""
    if form == "layer":
        x = x - x.mean(-1, keepdims=True)
    square = jnp.square(x).mean(-1, keepdims=True)
    root = jnp.sqrt(square) + eps if form == "outside" else jnp.sqrt(square + eps)
    return x / root * (1 + weight if form == "one more" else weight)


def rotary(
    x: Any, theta: float = THETA, first: int = 0, pairs: str = "halves", sign: int = 1, over: str = "positions"
) -> Any:  # fmt: skip
    """(batch, positions, heads, width) turned by their positions; the keywords are mistakes."""
    count = x.shape[1] if over == "positions" else x.shape[2]
    places = jnp.arange(first, first + count)
    angles = sign * places[:, None] * theta ** -(jnp.arange(0, WIDTH, 2) / WIDTH)
    angles = angles[:, None] if over == "positions" else angles[None]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    one, two = (x[..., ::2], x[..., 1::2]) if pairs == "neighbours" else jnp.split(x, 2, -1)
    turned = (one * cos - two * sin, two * cos + one * sin)
    return jnp.stack(turned, -1).reshape(x.shape) if pairs == "neighbours" else jnp.concatenate(turned, -1)


def attention(
    p: Mapping[str, Any], x: Any, prefix: str, *, ahead: int = 0, spread: str = "repeat", scale: float | None = None,
    turned_keys: bool = True, first: int = 0, first_key: int = 0, **wave: Any,
) -> Any:  # fmt: skip
    def heads(name: str) -> Any:
        value = samestep.tag(x @ p[f"{prefix}{name}.weight"].T, prefix + name)
        return value.reshape(*x.shape[:2], -1, WIDTH)

    q, k, v = (heads(name) for name in ("q_proj", "k_proj", "v_proj"))
    q = samestep.tag(rotary(q, first=first, **wave), f"{prefix}rotary_q")
    k = samestep.tag(rotary(k, first=first + first_key, **wave) if turned_keys else k, f"{prefix}rotary_k")
    times = HEADS // GROUPS
    if spread == "repeat":
        k, v = jnp.repeat(k, times, 2), jnp.repeat(v, times, 2)
    else:
        k, v = jnp.tile(k, (1, 1, times, 1)), jnp.tile(v, (1, 1, times, 1))
    mixed = attend(q, k, v, causal(LENGTH, ahead), scale=scale).reshape(x.shape)
    return samestep.tag(mixed @ p[f"{prefix}o_proj.weight"].T, f"{prefix}o_proj")


def port(
    p: Mapping[str, Any], tokens: Any, *, eps: float = EPS, form: str = "rms", act: Any = jax.nn.silu, swapped: bool = False,
    gated: bool = True, final: bool = True, at: int | None = None, **mistakes: Any,
) -> Any:  # fmt: skip
    """The network; the keywords are mistakes, made in every layer or in layer ``at``."""
    x = samestep.tag(p["model.embed_tokens.weight"][tokens], "model.embed_tokens")
    for i in range(DEPTH):
        wrong, prefix = at in (None, i), f"model.layers.{i}."

        def normal(name: str, x: Any, wrong: bool = wrong, prefix: str = prefix) -> Any:
            options = {"eps": eps, "form": form} if wrong else {}
            return samestep.tag(rms_norm(p[f"{prefix}{name}.weight"], x, **options), prefix + name)

        def dense(name: str, x: Any, prefix: str = prefix) -> Any:
            return samestep.tag(x @ p[f"{prefix}mlp.{name}.weight"].T, f"{prefix}mlp.{name}")

        x = x + attention(
            p, normal("input_layernorm", x), f"{prefix}self_attn.", **(mistakes if wrong else {})
        )
        h = normal("post_attention_layernorm", x)
        gate, up = dense("gate_proj", h), dense("up_proj", h)
        gate, up = (up, gate) if swapped and wrong else (gate, up)
        gate = samestep.tag((act if wrong else jax.nn.silu)(gate), f"{prefix}mlp.act_fn")
        x = samestep.tag(x + dense("down_proj", gate * up if gated or not wrong else gate), prefix[:-1])
    x = samestep.tag(rms_norm(p["model.norm.weight"], x), "model.norm") if final else x
    return x @ p["lm_head.weight"].T


# -- cases -----------------------------------------------------------------------------------------------


def tokens(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, TOKENS, (3, LENGTH))


def case(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = stirred(Llama())
    return Case(samestep.Model(partial(port, **mistakes), arrays(model)), model, (tokens(seed),))


PORTS = (
    Port("Llama: torch -> JAX", case, NEEDS),
    Port("Llama: torch -> JAX, rotary from position 7, which cancels", partial(case, first=7), NEEDS),
)


def fault(name: str, places: str, cause: str | None = None, **mistakes: Any) -> Fault:
    """A mistake first seen at one of the ``places`` in a layer, which are divided by spaces."""
    layer = f"model.layers.{mistakes.get('at', 0)}."
    where = tuple(place if place in ("model.norm", "output") else layer + place for place in places.split())
    return Fault(f"Llama: {name}", partial(case, **mistakes), NEEDS, where, cause)


ATTENTION, ROTARY, NORM = "self_attn.o_proj self_attn", "self_attn.rotary_q", "input_layernorm"
FAULTS = (
    fault("root mean square eps 1e-6", NORM, "eps", eps=1e-6),
    fault("root mean square eps 1.1e-5 in layer 1", NORM, "eps", eps=1.1e-5, at=1),
    fault("root mean square eps outside of the root", NORM, "standard deviation", form="outside"),
    fault("LayerNorm for root mean square", NORM, "mean", form="layer"),
    fault("1 + weight in the norms", NORM, "1 + w", form="one more"),
    fault("rotary of neighbours for halves", ROTARY, "neighbours", pairs="neighbours"),
    fault("rotary base 1e5", ROTARY, "base", theta=1e5),
    fault("rotary base 10001 in layer 1", ROTARY, "base", theta=10001.0, at=1),
    fault("rotary positions of keys start at 1", "self_attn.rotary_k", "start at 1", first_key=1),
    fault("rotary turned the other way", ROTARY, "other sign", sign=-1),
    fault("rotary over heads for positions", ROTARY, None, over="heads"),
    fault("keys not turned", "self_attn.rotary_k", "not applied", turned_keys=False),
    fault("keys and values tiled", ATTENTION, None, spread="tile"),
    fault("causal mask shifted by one in layer 1", ATTENTION, "one position ahead", ahead=1, at=1),
    fault("attention scale of all heads", ATTENTION, "scale", scale=DIM**-0.5),
    fault("gelu for silu", "mlp.act_fn", "gelu", act=partial(jax.nn.gelu, approximate=False)),
    fault("gate and up exchanged", "mlp.act_fn", None, swapped=True),
    fault("gate without up", "mlp.down_proj mlp", None, gated=False),
    fault("final norm missing", "model.norm output", None, final=False),
)
