"""Embeddings of tokens, positions and types, a norm, and pooling that leaves out padding: PyTorch to JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports.attention import arrays, stirred
from tests.evidence.ports.encoder import norm
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")
TOKENS, LENGTH, DIM, PADDING, EPS = 20, 7, 12, 1, 1e-12


class Embeddings(nn.Module):
    """BERT's: three tables and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.word = nn.Embedding(TOKENS, DIM, padding_idx=PADDING)
        self.position = nn.Embedding(LENGTH + 3, DIM)
        self.kind = nn.Embedding(2, DIM)
        self.norm = nn.LayerNorm(DIM, EPS)

    def forward(self, tokens: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        places = self.position(torch.arange(tokens.shape[1]))
        return self.norm(self.word(tokens) + places + self.kind(kinds))


class Sentence(nn.Module):
    """Scaled embeddings with sines for positions, and the mean over what is no padding."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.head = nn.Embedding(TOKENS, DIM), nn.Linear(DIM, DIM)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = (tokens != PADDING).float().unsqueeze(-1)
        x = self.head(self.word(tokens) * DIM**0.5 + torch.tensor(sines(LENGTH)))
        return (x * there).sum(1) / there.sum(1)


class Bag(nn.Module):
    """PyTorch's bags of words."""

    def __init__(self) -> None:
        super().__init__()
        self.bag, self.head = nn.EmbeddingBag(TOKENS, DIM, mode="mean"), nn.Linear(DIM, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.bag(tokens))


def sines(length: int, base: float = 1e4, first: int = 0, halves: bool = False) -> np.ndarray:
    """Sines and cosines of positions, one beside the other, or all sines first."""
    angles = np.arange(first, first + length)[:, None] * base ** (-np.arange(0, DIM, 2) / DIM)
    waves = np.stack([np.sin(angles), np.cos(angles)], 1 if halves else 2)
    return waves.reshape(length, DIM).astype(np.float32)


def port(
    p: dict[str, Any], tokens: Any, kinds: Any, *, eps: float = EPS, first: int = 0, typed: bool = True,
    masked: bool = True, scale: float = 1.0, normed: bool = True,
) -> Any:  # fmt: skip
    """BERT's embeddings; the keywords are mistakes."""
    table = p["word.weight"]
    if masked:  # the padding's row is never trained
        table = table.at[PADDING].set(jax.lax.stop_gradient(table[PADDING]))
    words = samestep.tag(scale * table[tokens], "word")
    places = p["position.weight"][first : first + tokens.shape[1]]
    x = words + places + (p["kind.weight"][kinds] if typed else 0.0)
    return norm({"scale": p["norm.weight"], "bias": p["norm.bias"]}, x, eps) if normed else x


def sentence(
    p: dict[str, Any], tokens: Any, *, scale: float = DIM**0.5, over: str = "there", pool: str = "mean", **wave: Any
) -> Any:  # fmt: skip
    """Scaled embeddings and their mean; the keywords are mistakes."""
    there = (tokens != PADDING)[..., None]
    words = samestep.tag(p["word.weight"][tokens], "word")
    x = samestep.tag((words * scale + sines(LENGTH, **wave)) @ p["head.weight"].T + p["head.bias"], "head")
    if pool == "first":
        return x[:, 0]
    if pool == "max":
        return jnp.where(there, x, -jnp.inf).max(1)
    if over == "padding too":
        return x.mean(1)
    return jnp.where(there, x, 0).sum(1) / (LENGTH if over == "length" else there.sum(1))


def bag(p: dict[str, Any], tokens: Any, *, total: bool = False) -> Any:
    words = p["bag.weight"][tokens]
    mean = samestep.tag(words.sum(1) if total else words.mean(1), "bag")
    return mean @ p["head.weight"].T + p["head.bias"]


def asked(seed: int) -> np.ndarray:
    """Token numbers, padded on the right; some come several times."""
    tokens = np.random.default_rng(seed).integers(2, TOKENS, (5, LENGTH))
    return np.where(np.arange(LENGTH) >= np.array([[7], [6], [5], [3], [1]]), PADDING, tokens)


def case(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = stirred(Embeddings())
    kinds = (np.arange(LENGTH) > 3).astype(np.int64) * np.ones((5, 1), np.int64)
    return Case(samestep.Model(partial(port, **mistakes), arrays(model)), model, (asked(seed), kinds))


def pooled(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = Sentence()
    return Case(samestep.Model(partial(sentence, **mistakes), arrays(model)), model, (asked(seed),))


def bags(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = Bag()
    return Case(samestep.Model(partial(bag, **mistakes), arrays(model)), model, (asked(seed),))


PORTS = (
    Port("embeddings: words, positions and types with a norm", case, NEEDS),
    Port("embeddings: sines, mean over what is no padding", pooled, NEEDS),
    Port("embeddings: EmbeddingBag", bags, NEEDS),
)


def fault(name: str, places: str, cause: str | None, make: Any, **mistakes: Any) -> Fault:
    return Fault(f"embeddings: {name}", partial(make, **mistakes), NEEDS, tuple(places.split()), cause)


FAULTS = (
    fault("LayerNorm eps 1e-5", "norm output", "eps", case, eps=1e-5),
    fault("positions start at 1", "norm output", None, case, first=1),
    fault("positions start at 2", "norm output", None, case, first=2),
    fault("types forgotten", "norm output", None, case, typed=False),
    fault("norm forgotten", "norm output", "not applied", case, normed=False),
    fault("padding's row is trained", "*word.weight*", "wrong at [1] alone", case, masked=False),
    fault("sqrt(d) forgotten", "head", None, pooled, scale=1.0),
    fault("sines and cosines in halves", "head", None, pooled, halves=True),
    fault("sines' base 1e5", "head", None, pooled, base=1e5),
    fault("sines start at 1", "head", None, pooled, first=1),
    fault("mean over padding too", "output", None, pooled, over="padding too"),
    fault("mean over the whole length", "output", None, pooled, over="length"),
    fault("EmbeddingBag's sum for its mean", "bag output", "7 times", bags, total=True),
    fault("first token for the mean", "output", None, pooled, pool="first"),
    fault("maximum for the mean", "output", None, pooled, pool="max"),
)
