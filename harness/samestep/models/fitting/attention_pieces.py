"""What attention computes, in pieces: projected queries, keys and values, a mask, an output projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from samestep.models.fitting.difference import Difference
from samestep.models.fitting.resolution import rms


class Attention(NamedTuple):
    """Attention by heads: ``query``, ``key``, ``value`` of the shape (..., heads, positions, width).

    ``blocked`` says where a query may not look (it broadcasts to the scores), ``added`` is what a mask adds;
    ``finish`` merges the heads and projects.
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    blocked: np.ndarray
    added: np.ndarray | float
    finish: Callable[[np.ndarray], np.ndarray]

    @property
    def scale(self) -> float:
        """1 / sqrt(width of a head)."""
        return float(self.query.shape[-1] ** -0.5)

    def scores(self, scale: float) -> np.ndarray:
        """Return the scores before any mask."""
        return np.asarray(self.query @ self.key.swapaxes(-1, -2)) * scale + self.added

    def output(self, scale: float | None = None, blocked: np.ndarray | None = None, fill: float = -np.inf,
               axis: int = -1) -> np.ndarray:  # fmt: skip
        """Return the output with another scale, mask, value of masked scores, or axis of the softmax."""
        scores = self.scores(self.scale if scale is None else scale)
        scores = np.where(self.blocked if blocked is None else blocked, fill, scores)
        return self.finish(softmax(scores, axis) @ self.value)

    def filled(self, fill: float) -> np.ndarray:
        """Return the output where masked scores are ``fill``."""
        return self.output(fill=fill)

    def added_fill(self, fill: float) -> np.ndarray:
        """Return the output where masked scores have ``fill`` added to them."""
        scores = self.scores(self.scale) + np.where(self.blocked, fill, 0.0)
        return self.finish(softmax(scores, -1) @ self.value)


@lru_cache(maxsize=1)
def own_attention(d: Difference) -> Attention | None:
    """Return the attention that gives the reference's output best; None where nothing has its shape."""
    best, least = None, np.inf
    for attention in _layouts(d):
        try:
            output = attention.output()
        except ValueError:  # heads that do not fit together: another layout
            continue
        if output.shape == d.expected.shape and rms(output - d.expected) < least:
            best, least = attention, rms(output - d.expected)
    return best


def _layouts(d: Difference) -> Iterator[Attention]:
    tensors = [x for x in d.inputs if x.ndim >= 3 and x.dtype.kind == "f"]
    masks = [x for x in d.inputs if not any(x is t for t in tensors[:3])]
    if len(tensors) < 3 and tensors:
        tensors = [tensors[0], tensors[-1], tensors[-1]]
    for query, key, value, finish in _projected(d, tensors[:3]) if tensors else ():
        shape = (query.shape[-2], key.shape[-2])
        for blocked, added in _masks(masks, shape):
            yield Attention(query, key, value, blocked, added, finish)


Projected = tuple[np.ndarray, np.ndarray, np.ndarray, Callable[[np.ndarray], np.ndarray]]


def _projected(d: Difference, tensors: list[np.ndarray]) -> Iterator[Projected]:
    heads = int(d.setting("num_heads", "n_head", "num_attention_heads") or 1)
    if not d.parameters:
        yield tensors[0], tensors[1], tensors[2], lambda out: out
        if heads > 1 and tensors[0].ndim == 3 and all(t.shape[-1] % heads == 0 for t in tensors):
            query, key, value = (t.reshape(*t.shape[:-1], heads, -1).swapaxes(-2, -3) for t in tensors)
            yield query, key, value, lambda out: _merge(d, out, False)
        yield (*(t.swapaxes(-2, -3) for t in tensors), lambda out: out.swapaxes(-2, -3))  # type: ignore[misc]
        return
    for first in (False, True):
        given = [t.swapaxes(0, 1) for t in tensors] if first else tensors
        parts = [_project(d, t, place, heads) for place, t in enumerate(given)]
        if all(part is not None for part in parts):
            query, key, value = (part for part in parts if part is not None)
            yield query, key, value, lambda out, first=first: _merge(d, out, first)  # type: ignore[misc]


NAMES = (("query", "q_proj", "q", "to_q"), ("key", "k_proj", "k", "to_k"), ("value", "v_proj", "v", "to_v"))


def _named(d: Difference, names: tuple[str, ...], leaves: tuple[str, ...]) -> np.ndarray | None:
    return d.parameter(*(f"{name}{dot}{leaf}" for name in names for leaf in leaves for dot in "./"))


def _project(d: Difference, x: np.ndarray, place: int, heads: int) -> np.ndarray | None:
    """Return x projected, (batch, heads, positions, width); ``place`` is 0 for queries, 1 keys, 2 values."""
    packed, bias = d.parameter("in_proj_weight"), d.parameter("in_proj_bias")
    kernel = _named(d, NAMES[place], ("kernel",))
    weight = _named(d, NAMES[place], ("weight",))
    if packed is not None:
        weight = np.split(packed, 3)[place]
        bias = np.split(bias, 3)[place] if bias is not None else None
    else:
        bias = _named(d, NAMES[place], ("bias",))
    if kernel is not None and kernel.ndim == 3:
        kernel, heads = kernel.reshape(len(kernel), -1), kernel.shape[1]
    matrix = kernel if weight is None else weight.T
    if matrix is None or x.shape[-1] != len(matrix) or matrix.shape[1] % heads:
        return None
    out = x @ matrix + (0.0 if bias is None else bias.reshape(-1))
    return np.asarray(out.reshape(*x.shape[:-1], heads, -1).swapaxes(-2, -3))


def _merge(d: Difference, out: np.ndarray, is_first: bool) -> np.ndarray:
    """Merge the heads and project; ``is_first``: positions come before the batch."""
    merged = out.swapaxes(-2, -3)
    merged = merged.reshape(*merged.shape[:-2], -1)
    names = ("out_proj", "out", "attention_output", "o_proj", "c_proj", "to_out")
    weight, kernel, bias = (_named(d, names, (leaf,)) for leaf in ("weight", "kernel", "bias"))
    matrix = kernel if weight is None else weight.T
    if matrix is not None:
        merged = merged @ matrix.reshape(merged.shape[-1], -1)
        merged = merged + (0.0 if bias is None else bias)
    return merged.swapaxes(0, 1) if is_first else merged


def _masks(
    masks: list[np.ndarray], shape: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray | float]]:
    """Return what is blocked and what is added: nothing, later positions, or what a mask says."""
    none, later = np.zeros(shape, bool), np.triu(np.ones(shape, bool), 1)
    yield none, 0.0
    yield later, 0.0
    for mask in (reading for given in masks for reading in _readings(given, shape)):
        if mask.dtype.kind == "f" and not np.isin(mask, (0, 1)).all():
            yield np.isneginf(mask), np.where(np.isneginf(mask), 0.0, mask)
            continue
        for blocked in (mask.astype(bool), ~mask.astype(bool)):
            yield blocked, 0.0
            yield blocked | later, 0.0


def _readings(mask: np.ndarray, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield a mask as it is, and one of two axes as (batch, key), which holds for all heads and queries."""
    if mask.shape[-1:] == shape[1:]:
        if mask.ndim != 2 or mask.shape[0] in (1, shape[0]):
            yield mask
        if mask.ndim == 2:
            yield mask[:, None, None, :]
