"""The encoder in Flax Linen: its own attention and norms, parameters by convert= or by value."""

from __future__ import annotations

from functools import partial
from typing import Any

import flax.linen as nn
import jax

import samestep
from tests.evidence.ports import encoder
from tests.evidence.ports.attention import arrays
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax", "flax")


class Block(nn.Module):
    """Attention and a feed-forward network; Flax's defaults are mistakes here: eps 1e-6, gelu by tanh."""

    eps: float
    tanh: bool
    one_pass: bool

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array) -> jax.Array:
        norm = partial(nn.LayerNorm, epsilon=self.eps, use_fast_variance=self.one_pass)
        attention = nn.MultiHeadDotProductAttention(encoder.HEADS, name="attention")
        h = norm(name="norm1")(x)
        x = x + attention(h, mask=mask)
        h = nn.Dense(encoder.HIDDEN, name="up")(norm(name="norm2")(x))
        return x + nn.Dense(encoder.DIM, name="down")(nn.gelu(h, approximate=self.tanh))


class Encoder(nn.Module):
    """Blocks, and a norm after the last one."""

    eps: float = 1e-5
    tanh: bool = False
    one_pass: bool = False
    inverted: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, padded: jax.Array) -> jax.Array:
        mask = (padded if self.inverted else ~padded)[:, None, None, :]
        for i in range(encoder.DEPTH):
            x = Block(self.eps, self.tanh, self.one_pass, name=f"block{i}")(x, mask)
        return nn.LayerNorm(epsilon=self.eps, use_fast_variance=self.one_pass, name="norm")(x)


def case(seed: int, convert: bool = False, **settings: Any) -> Case:
    """The encoder by hand in PyTorch, and its Linen twin."""
    model = encoder.reference(seed, encoder.Encoder, True)
    module, params = Encoder(**settings), encoder.by_hand_names(arrays(model))
    if not convert:
        return Case(samestep.Model(module.apply, {"params": params}), model, encoder.asked(seed))
    zeros = jax.tree.map(lambda leaf: 0 * leaf, params)
    candidate = samestep.Model(module.apply, {"params": zeros})
    return Case(candidate, model, encoder.asked(seed), {"convert": encoder.by_hand_names})


PORTS = (
    Port("encoder: pre-LN, torch -> Flax Linen", case, NEEDS),
    Port("encoder: pre-LN, torch -> Flax Linen by convert=", partial(case, convert=True), NEEDS),
    Port(
        "encoder: pre-LN, torch -> Flax Linen, one-pass variance", partial(case, one_pass=True), NEEDS,
        weaker="Flax's default computes E[x^2] - E[x]^2",
    ),
)  # fmt: skip
FAULTS = (
    Fault("encoder: Flax's own eps 1e-6", partial(case, eps=1e-6), NEEDS, ("block0/norm1",), "eps"),
    Fault(
        "encoder: Flax's own gelu by tanh",
        partial(case, tanh=True),
        NEEDS,
        ("block0/down", "block0"),
        "tanh form",
    ),
    Fault("encoder: Flax's mask inverted", partial(case, inverted=True), NEEDS, ("block0/attention*",), None),
)
