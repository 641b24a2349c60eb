"""Mistakes in what is added to what: a residual that is lost or begins after a norm, a layer left out."""

from __future__ import annotations

import numpy as np

from samestep.models.fitting.difference import Difference, Model, Models, fixed
from samestep.models.fitting.normalisation import EPS
from samestep.models.tensors import GRADIENTS


def lost_term(d: Difference) -> Models:
    """An input that is not added, or added twice: a residual, the gradient of a tied parameter."""
    for number, term in enumerate(d.inputs):
        if term.shape != d.expected.shape or term.dtype.kind != "f" or not term.any():
            continue
        name = f"input {number}" if len(d.inputs) > 1 else "the input"
        residual = "a contribution to the gradient" if d.role in GRADIENTS else f"{name} (a residual)"
        yield fixed(d.expected - term, f"{residual} is not added")
        yield fixed(d.expected + term, f"{residual} is added once more")


def identity(d: Difference) -> Models:
    """A layer that is not applied."""
    for term in d.inputs:
        if term.shape == d.expected.shape and term.dtype.kind == "f":
            yield fixed(term, "the layer is not applied: its output is its input")


def order_of_norm(d: Difference) -> Models:
    """A residual that begins after a norm of its block where the reference's begins before it."""
    x = d.input
    if x is None or x.dtype.kind != "f" or x.shape != d.expected.shape or not x.ndim:
        return
    for name, weight in d.parameters.items():
        prefix, _, leaf = name.replace("/", ".").rpartition(".")
        if leaf not in ("weight", "scale", "gamma") or weight.shape != x.shape[-1:] or "n" not in prefix:
            continue
        bias = d.parameter(f"{prefix}.bias", f"{prefix}.beta", f"{prefix}/bias", f"{prefix}/beta")
        for sign, words in (
            (1, "after {}, the reference's before it"),
            (-1, "before {}, the reference's after it"),
        ):
            yield Model(
                lambda eps, sign=sign, w=weight, b=bias: d.expected + sign * (_normal(x, w, b, eps) - x),  # type: ignore[misc]
                lambda eps, words=words, prefix=prefix: f"the residual begins {words.format(prefix)}",  # type: ignore[misc]
                EPS,
            )


def _normal(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, eps: float) -> np.ndarray:
    """A layer norm over the last axis."""
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return np.asarray(normal * weight + (0.0 if bias is None else bias))
