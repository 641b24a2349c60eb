"""A GPT with a tied head, causal and padded: PyTorch, and ports to JAX, with its blocks unrolled or scanned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

import samestep
from tests.evidence.ports.attention import BFLOAT16, arrays, causal, stirred
from tests.evidence.ports.encoder import GELUS, norm
from tests.evidence.ports.losses import IGNORED, SMOOTHING, cross_entropy, torch_cross_entropy
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
BATCH, LENGTH, TOKENS, DIM, HEADS, DEPTH = 3, 6, 19, 16, 2, 2
WIDTH = DIM // HEADS
State = Mapping[str, np.ndarray]


# -- the reference ---------------------------------------------------------------------------------------


class Block(nn.Module):
    """Attention to what comes before and is no padding; a row that sees nothing gives zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.qkv, self.out = nn.LayerNorm(DIM), nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.norm2, self.up, self.act = nn.LayerNorm(DIM), nn.Linear(DIM, 2 * DIM), nn.GELU("tanh")
        self.down = nn.Linear(2 * DIM, DIM)

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        parts = self.qkv(self.norm1(x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for part in parts)
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=seen)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.down(self.act(self.up(self.norm2(x))))


class GPT(nn.Module):
    """Tokens and positions, blocks, a norm, and a head that is the table of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(TOKENS, DIM), nn.Embedding(LENGTH + 2, DIM)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, TOKENS, bias=False)
        self.head.weight = self.word.weight

    def forward(self, tokens: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
        x = self.word(tokens) + self.place(torch.arange(tokens.shape[1]))
        seen = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril() & ~padded[:, None, None, :]
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x))


# -- the port --------------------------------------------------------------------------------------------


def block(
    p: Mapping[str, Any], x: Any, blocked: Any, tag: Callable[[Any, str], Any], *, gelu: str = "tanh", fill: float = -jnp.inf,
    order: str = "qkv", product_in: Any = jnp.float32, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """One block; the keywords are mistakes."""

    def dense(name: str, x: Any) -> Any:
        product = jnp.matmul(
            x.astype(product_in), p[f"{name}.weight"].T.astype(product_in), preferred_element_type=jnp.float32
        )
        return tag(product + p[f"{name}.bias"], name)

    def normal(name: str, x: Any) -> Any:
        return tag(norm({"scale": p[f"{name}.weight"], "bias": p[f"{name}.bias"]}, x, eps), name)

    parts = dict(zip(order, jnp.split(dense("qkv", normal("norm1", x)), 3, -1), strict=True))
    q, k, v = (parts[name].reshape(*x.shape[:2], HEADS, WIDTH) for name in "qkv")
    scores = jnp.where(blocked, fill, jnp.einsum("bqhk,bshk->bhqs", q, k) / WIDTH**0.5)
    if fill == -jnp.inf:  # where a row sees nothing its softmax is 0 / 0
        scores = jnp.where(blocked.all(-1, keepdims=True), 0.0, scores)
        weights = jnp.where(blocked, 0.0, jax.nn.softmax(scores))
    else:
        weights = jax.nn.softmax(scores)
    x = x + dense("out", jnp.einsum("bhqs,bshk->bqhk", weights, v).reshape(x.shape))
    return x + dense("down", tag(GELUS[gelu](dense("up", normal("norm2", x))), "act"))


def embedded(p: Mapping[str, Any], tokens: Any, first: int = 0, factor: float = 1.0) -> Any:
    words = samestep.tag(p["word.weight"][tokens], "word")
    return words * factor + p["place.weight"][first : first + LENGTH]


def logits(p: Mapping[str, Any], x: Any, final: bool = True, tied: str = "yes") -> Any:
    table = p["word.weight"]
    if final:
        x = samestep.tag(norm({"scale": p["norm.weight"], "bias": p["norm.bias"]}, x), "norm")
    return x @ (jax.lax.stop_gradient(table) if tied == "without gradient" else table).T


def untagged(x: Any, name: str) -> Any:
    return x


def port(
    p: Mapping[str, Any], tokens: Any, padded: Any, *, ahead: int = 0, first: int = 0, factor: float = 1.0,
    final: bool = True, tied: str = "yes", side: str = "right", at: int | None = None, shared: bool = False,
    **mistakes: Any,
) -> Any:  # fmt: skip
    """The network with its blocks one after another; mistakes of a block are made in all, or in block ``at``."""
    blocked = causal(LENGTH, ahead) | (padded[:, ::-1] if side == "left" else padded)[:, None, None, :]
    x = embedded(p, tokens, first, factor)
    for i in range(DEPTH):
        own = of_block(p, 0 if shared else i)
        wrong = mistakes if at in (None, i) else {}
        x = samestep.tag(block(own, x, blocked, partial(tag_in, i), **wrong), f"blocks.{i}")
    return logits(p, x, final, tied)


def tag_in(i: int, x: Any, name: str) -> Any:
    return samestep.tag(x, f"blocks.{i}.{name}")


def of_block(p: Mapping[str, Any], i: int) -> dict[str, Any]:
    prefix = f"blocks.{i}."
    return {name[len(prefix) :]: value for name, value in p.items() if name.startswith(prefix)}


def scanned(p: Mapping[str, Any], tokens: Any, padded: Any) -> Any:
    """The network with its blocks stacked, and one of them scanned over all."""
    blocked = causal(LENGTH) | padded[:, None, None, :]

    def step(x: Any, own: Mapping[str, Any]) -> tuple[Any, None]:
        return jax.checkpoint(partial(block, tag=untagged))(own, x, blocked), None

    return logits(p, jax.lax.scan(step, embedded(p, tokens), p["blocks"])[0])


def stacked(state: State) -> dict[str, Any]:
    """The scanned network's parameters: those of the blocks are stacked."""
    names = [name.removeprefix("blocks.0.") for name in state if name.startswith("blocks.0.")]
    blocks = {name: np.stack([state[f"blocks.{i}.{name}"] for i in range(DEPTH)]) for name in names}
    return {
        "blocks": blocks,
        **{name: value for name, value in state.items() if not name.startswith("blocks.")},
    }


def mapped(p: Mapping[str, Any], tokens: Any, padded: Any) -> Any:
    """The network on one sequence, mapped over all."""
    return jax.vmap(lambda one, out: port_untagged(p, one[None], out[None])[0])(tokens, padded)


def port_untagged(p: Mapping[str, Any], tokens: Any, padded: Any) -> Any:
    x = p["word.weight"][tokens] + p["place.weight"][:LENGTH]
    blocked = causal(LENGTH) | padded[:, None, None, :]
    for i in range(DEPTH):
        x = block(of_block(p, i), x, blocked, untagged)
    x = norm({"scale": p["norm.weight"], "bias": p["norm.bias"]}, x)
    return x @ p["word.weight"].T


# -- cases -----------------------------------------------------------------------------------------------


def asked(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of which one is padded on the left, so that some rows see nothing, and one altogether."""
    tokens = np.random.default_rng(seed).integers(0, TOKENS, (BATCH, LENGTH))
    return tokens, np.arange(LENGTH) < np.array([[0], [2], [LENGTH]])


def case(seed: int, call: Callable[..., Any] = port, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = stirred(GPT())
    candidate = samestep.Model(partial(call, **mistakes) if mistakes else call, arrays(model))
    return Case(candidate, model, asked(seed))


def scan_case(seed: int) -> Case:
    plain = case(seed)
    candidate = samestep.Model(scanned, stacked(arrays(plain.reference)))
    return Case(candidate, plain.reference, plain.inputs, {"convert": stacked})


def trained(seed: int, loss: object = None, smoothing: float = SMOOTHING, **mistakes: Any) -> Case:
    """With a loss of the next tokens, of which some are ignored."""
    plain = case(seed)
    tokens, padded = plain.inputs
    aims = np.where(padded, IGNORED, np.roll(tokens, -1, 1))
    mine = partial(flat, cross_entropy, smoothing=smoothing, **mistakes)
    theirs = partial(flat, torch_cross_entropy, smoothing=SMOOTHING)
    options = {"loss": loss or (mine, theirs), "targets": np.roll(tokens, -1, 1) if loss else aims}
    return Case(plain.candidate, plain.reference, plain.inputs, options)


def flat(loss: Callable[..., Any], outputs: Any, targets: Any, **options: Any) -> Any:
    return loss(outputs.reshape(-1, TOKENS), targets.reshape(-1), **options)


PORTS = (
    Port("GPT: torch -> JAX", case, NEEDS),
    Port("GPT: torch -> JAX, scan of checkpointed blocks", scan_case, NEEDS),
    Port("GPT: torch -> JAX, vmap over sequences", partial(case, call=mapped), NEEDS),
    Port("GPT: torch -> JAX, cross_entropy by name", partial(trained, loss="cross_entropy"), NEEDS),
    Port("GPT: torch -> JAX, smoothed loss with ignored targets", trained, NEEDS),
)


def fault(name: str, places: str, cause: str | None = None, make: Callable[..., Case] = case,
          verdict: str = "disagree", **mistakes: Any) -> Fault:  # fmt: skip
    """A mistake of the port, first seen at one of the ``places``, which are divided by spaces."""
    return Fault(f"GPT: {name}", partial(make, **mistakes), NEEDS, tuple(places.split()), cause, (verdict,))


FAULTS = (
    fault("causal mask shifted by one", "blocks.0.out", None, ahead=1),
    fault("masked scores -1e4, rows that see nothing", "blocks.0.out", None, fill=-1e4),
    fault(
        "masked scores finfo.min, in block 1",
        "blocks.1.out",
        None,
        fill=float(np.finfo(np.float32).min),
        at=1,
    ),
    fault("padding on the wrong side", "blocks.0.out", "wrong at [1] alone", side="left"),
    fault("k, q, v for q, k, v", "blocks.0.out", None, order="kqv"),
    fault("positions start at 1", "blocks.0.norm1", None, first=1),
    fault("positions start at 2", "blocks.0.norm1", None, first=2),
    fault("embeddings times sqrt(d)", "blocks.0.norm1", None, factor=DIM**0.5),
    fault("gelu by erf", "blocks.0.act", "erf", gelu="erf"),
    fault("gelu by erf in block 1", "blocks.1.act", "erf", gelu="erf", at=1),
    fault("final norm missing", "norm output", None, final=False),
    fault("gradient of the tied head lost", "*word.weight*", "not added", tied="without gradient"),
    fault("one block's weights for all", "blocks.1.*", None, shared=True),
    fault("LayerNorm eps 1e-6 in block 1", "blocks.1.norm1", "eps", eps=1e-6, at=1),
    fault(
        "products of bfloat16 in block 1", "blocks.1.qkv", None, verdict="weaker", product_in=BFLOAT16, at=1
    ),
    fault("label smoothing missing", "loss", "smoothing", make=trained, smoothing=0.0),
    fault("ignored targets counted in the mean", "loss", "ignored", make=trained, counted="rows"),
    fault("ignored targets taken for token 0", "loss", "class 0", make=trained, counted="all"),
)
