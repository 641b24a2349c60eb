"""Transformer encoders with padding, norms before or after: PyTorch, and ports to JAX and PyTorch by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports.attention import (
    BFLOAT16,
    arrays,
    attend,
    dense,
    inputs,
    merged,
    projected,
    separate,
    stirred,
    unpacked,
)
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
BATCH, LENGTH, DIM, HEADS, HIDDEN, DEPTH = 3, 6, 16, 4, 24, 2
WIDTH = DIM // HEADS
State = Mapping[str, np.ndarray]


# -- references ------------------------------------------------------------------------------------------


class Attention(nn.Module):
    """Self-attention with separate projections; padded keys are not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.num_heads = HEADS
        self.query, self.key, self.value, self.out = (nn.Linear(DIM, DIM) for _ in range(4))

    def forward(self, x: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        scores = (q @ k.mT * WIDTH**-0.5).masked_fill(padded[:, None, None, :], float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a feed-forward network, each beside a residual, after or before its norm."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm1, self.attention = nn.LayerNorm(DIM), Attention()
        self.norm2, self.up, self.act, self.down = (
            nn.LayerNorm(DIM),
            nn.Linear(DIM, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, DIM),
        )

    def forward(self, x: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        if self.norm_first:
            x = x + self.attention(self.norm1(x), padded)
            return x + self.feed(self.norm2(x))
        x = self.norm1(x + self.attention(x, padded))
        return self.norm2(x + self.feed(x))

    def feed(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(self.act(self.up(x)))


class Encoder(nn.Module):
    """Blocks, and a norm after the last one where the norms come first."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(norm_first) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(DIM) if norm_first else None

    def forward(self, x: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x, padded)
        return x if self.norm is None else self.norm(x)


class Library(nn.Module):
    """The same of `torch.nn.TransformerEncoder`, whose projections are packed."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            DIM, HEADS, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=norm_first
        )
        self.stack = nn.TransformerEncoder(
            layer, DEPTH, nn.LayerNorm(DIM) if norm_first else None, enable_nested_tensor=False
        )
        for part in self.stack.parameters():  # its layers are copies of one
            if part.ndim > 1:
                nn.init.xavier_normal_(part)

    def forward(self, x: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        return self.stack(x, src_key_padding_mask=padded)


# -- the port --------------------------------------------------------------------------------------------

GELUS = {
    "erf": partial(jax.nn.gelu, approximate=False),
    "tanh": partial(jax.nn.gelu, approximate=True),
    "quick": lambda x: x * jax.nn.sigmoid(1.702 * x),
    "silu": jax.nn.silu,
    "relu": jax.nn.relu,
}


def norm(p: Mapping[str, Any], x: Any, eps: float = 1e-5, form: str = "layer") -> Any:
    """A LayerNorm; or its root mean square alone, or with eps outside of the root."""
    if form == "rms":
        return x / jnp.sqrt(jnp.square(x).mean(-1, keepdims=True) + eps) * p["scale"] + p["bias"]
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    deviation = jnp.sqrt(variance) + eps if form == "outside" else jnp.sqrt(variance + eps)
    return (x - mean) / deviation * p["scale"] + p["bias"]


def block(
    p: Mapping[str, Any], x: Any, blocked: Any, norm_first: bool, prefix: str, *, gelu: str = "erf",
    eps: float = 1e-5, form: str = "layer", split: str = "hk", turned: str = "", residual: float = 1.0, bias: bool = True,
    dropout: float = 0.0, after_norm: bool = False, **mistakes: Any,
) -> Any:  # fmt: skip
    """One block; the keywords are mistakes."""

    def tag(x: Any, name: str) -> Any:
        return samestep.tag(x, f"{prefix}.{name}")

    def normal(name: str, x: Any) -> Any:
        return tag(norm(p[name], x, eps, form), name)

    def attention(x: Any) -> Any:
        parts = projected(p["attention"], x, split, turned, f"{prefix}.attention.")
        mixed = attend(*parts, blocked, **mistakes)
        return tag(merged(p["attention"], mixed, turned == "out", bias, f"{prefix}.attention."), "attention")

    def feed(x: Any) -> Any:
        hidden = tag(x @ p["up"]["kernel"] + p["up"]["bias"], "up")
        hidden = tag(GELUS[gelu](hidden), "act")
        if dropout:
            hidden *= jax.random.bernoulli(jax.random.key(0), 1 - dropout, hidden.shape) / (1 - dropout)
        return tag(hidden @ p["down"]["kernel"] + p["down"]["bias"], "down")

    if norm_first:
        first = normal("norm1", x)
        x = (first if after_norm else x) + attention(first)
        return samestep.tag(residual * x + feed(normal("norm2", x)), prefix)
    x = normal("norm1", x + attention(x))
    return normal("norm2", residual * x + feed(x))


def port(
    p: Mapping[str, Any],
    x: Any,
    padded: Any,
    *,
    norm_first: bool = True,
    final: bool = True,
    at: int | None = None,
    side: str = "right",
    swapped: bool = False,
    **mistakes: Any,
) -> Any:
    """The encoder; mistakes are made in every block, or in block ``at``."""
    blocked = (padded[:, ::-1] if side == "left" else padded)[:, None, None, :]
    for i in range(DEPTH):
        wrong = mistakes if at in (None, i) else {}
        x = block(p[f"block{i}"], x, blocked, norm_first != swapped, f"block{i}", **wrong)
    return norm(p["norm"], x) if norm_first and final else x


def by_hand_names(state: State, norm_first: bool = True) -> dict[str, Any]:
    """The port's parameters from `Encoder`'s."""
    blocks = {
        f"block{i}": {
            "attention": separate(state, f"blocks.{i}.attention.", WIDTH),
            **{name: scaled(state, f"blocks.{i}.{name}") for name in ("norm1", "norm2")},
            **{name: dense(state, f"blocks.{i}.{name}") for name in ("up", "down")},
        }
        for i in range(DEPTH)
    }
    return blocks | ({"norm": scaled(state, "norm")} if norm_first else {})


def library_names(state: State, norm_first: bool = True) -> dict[str, Any]:
    """The port's parameters from `Library`'s."""
    blocks = {}
    for i in range(DEPTH):
        layer = f"stack.layers.{i}."
        blocks[f"block{i}"] = {
            "attention": unpacked(state, f"{layer}self_attn.", WIDTH),
            **{name: scaled(state, layer + name) for name in ("norm1", "norm2")},
            "up": dense(state, f"{layer}linear1"),
            "down": dense(state, f"{layer}linear2"),
        }
    return blocks | ({"norm": scaled(state, "stack.norm")} if norm_first else {})


def scaled(state: State, name: str) -> dict[str, np.ndarray]:
    """A norm's parameters under the names that JAX's libraries give them."""
    return {"scale": state[f"{name}.weight"], "bias": state[f"{name}.bias"]}


# -- cases -----------------------------------------------------------------------------------------------


def asked(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of three lengths, padded on the right."""
    lengths = np.array([[LENGTH], [LENGTH - 1], [2]])
    return inputs(seed, BATCH, LENGTH, DIM), np.arange(LENGTH) >= lengths


def reference(seed: int, kind: type[nn.Module], norm_first: bool) -> nn.Module:
    torch.manual_seed(seed)
    return stirred(kind(norm_first))


def case(seed: int, norm_first: bool = True, kind: type[nn.Module] = Encoder, **mistakes: Any) -> Case:
    """A port to JAX whose parameters and layers are found by their values."""
    model = reference(seed, kind, norm_first)
    names = by_hand_names if kind is Encoder else library_names
    call = partial(port, norm_first=norm_first, **mistakes)
    return Case(samestep.Model(call, names(arrays(model), norm_first)), model, asked(seed))


LAYERS = {
    **{
        f"block{{i}}.{name}": f"blocks.{{i}}.{name}"
        for name in ("norm1", "attention", "norm2", "up", "act", "down")
    },
    "block{i}": "blocks.{i}",
}


def named_case(seed: int, **mistakes: Any) -> Case:
    """The port's weights are made by ``convert``, and its layers named by the caller."""
    case_ = case(seed, **mistakes)
    return Case(case_.candidate, case_.reference, case_.inputs, {"convert": by_hand_names, "layers": LAYERS})


def torch_case(seed: int, norm_first: bool) -> Case:
    """PyTorch's own encoder against the one by hand."""
    library = reference(seed, Library, norm_first)
    hand, state = Encoder(norm_first), {}
    for name, value in library.state_dict().items():
        name = (
            name.replace("stack.layers", "blocks")
            .replace("stack.", "")
            .replace("linear1", "up")
            .replace("linear2", "down")
        )
        name = name.replace("self_attn.out_proj", "attention.out").replace("self_attn", "attention")
        if "in_proj" in name:
            for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                state[name.replace("in_proj_", f"{part}.")] = piece
        else:
            state[name] = value
    hand.load_state_dict(state)
    return Case(hand, library, asked(seed))


PORTS = (
    Port("encoder: pre-LN, torch -> JAX", case, NEEDS),
    Port("encoder: pre-LN, torch -> JAX by convert= and layers=", named_case, NEEDS),
    Port("encoder: post-LN, torch -> JAX", partial(case, norm_first=False), NEEDS),
    Port("encoder: pre-LN, nn.TransformerEncoder -> JAX", partial(case, kind=Library), NEEDS),
    Port(
        "encoder: post-LN, nn.TransformerEncoder -> JAX", partial(case, kind=Library, norm_first=False), NEEDS
    ),
    Port(
        "encoder: pre-LN, nn.TransformerEncoder -> torch by hand", partial(torch_case, norm_first=True), NEEDS
    ),
    Port(
        "encoder: post-LN, nn.TransformerEncoder -> torch by hand",
        partial(torch_case, norm_first=False),
        NEEDS,
    ),
)


def fault(
    name: str,
    places: str,
    cause: str | None = None,
    make: Callable[..., Case] = case,
    verdict: str = "disagree",
    **mistakes: Any,
) -> Fault:
    """A mistake of the port, first seen at one of the ``places``, which are divided by spaces."""
    return Fault(
        f"encoder: {name}", partial(make, **mistakes), NEEDS, tuple(places.split()), cause, (verdict,)
    )


POST = {"norm_first": False}
FAULTS = (
    fault("LayerNorm eps 1e-6", "block0.norm1", "eps", eps=1e-6),
    fault("LayerNorm eps 1e-12 in block 1", "block1.norm1", "eps", eps=1e-12, at=1),
    fault("post-LN, LayerNorm eps 1e-3", "block0.norm1", "eps", eps=1e-3, **POST),
    fault("LayerNorm eps outside of the root", "block0.norm1", "standard deviation", form="outside"),
    fault("root mean square for LayerNorm", "block0.norm1", "mean", form="rms"),
    fault("gelu by tanh", "block0.act", "tanh", gelu="tanh"),
    fault("gelu by a sigmoid", "block0.act", "quick", gelu="quick"),
    fault("silu for gelu", "block0.act", "silu", gelu="silu"),
    fault("relu for gelu in block 1", "block1.act", "relu", gelu="relu", at=1),
    fault("attention scale 1/d", "block0.attention*", "1/4", scale=1 / WIDTH),
    fault(
        "attention scale missing, nn.TransformerEncoder",
        "block0.attention*",
        "scale",
        scale=1.0,
        kind=Library,
    ),
    fault(
        "attention scale off by 1e-5 in block 1",
        "block1.attention*",
        "scale",
        scale=WIDTH**-0.5 * (1 + 1e-5),
        at=1,
    ),
    fault("heads cut as (width, heads)", "block0.attention*", "heads are cut", split="kh"),
    fault(
        "heads cut as (width, heads), nn.TransformerEncoder",
        "block0.attention*",
        "heads are cut",
        split="kh",
        kind=Library,
    ),
    fault("value kernel transposed", "block0.attention.value", "transposed", turned="value"),
    fault("out kernel transposed, by name", "block0.attention*", "transposed", make=named_case, turned="out"),
    fault("padding on the wrong side", "block0.attention*", None, side="left"),
    fault("padding added as -10", "block0.attention*", "-10", fill=-10.0),
    fault("post-LN for pre-LN", "block0.norm1 block0.attention*", None, swapped=True),
    fault("pre-LN for post-LN", "block0.norm1 block0.attention*", None, swapped=True, **POST),
    fault("residual missing in block 1", "block1", "residual", residual=0.0, at=1),
    fault("residual after the norm", "block0 block0.*", "residual", after_norm=True),
    fault("final norm missing", "norm output", "not applied", final=False),
    fault("output bias missing", "block0.attention*", "bias", bias=False),
    fault("dropout left on", "block0.down", None, dropout=0.1),
    fault("softmax in bfloat16", "block0.attention*", None, verdict="weaker", softmax_in=BFLOAT16),
)
