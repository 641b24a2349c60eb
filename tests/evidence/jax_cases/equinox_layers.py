"""Layers of Equinox, which take one example."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np

import samestep
from tests.evidence.jax_cases.case import BODY, PICTURE, ROWS, SIGNAL, VECTOR, Case, normal


def of_equinox() -> list[Case]:
    """Return the layers of Equinox."""
    key, layers = jax.random.key(0), eqx.nn
    made: dict[str, tuple[Callable[[], object], tuple[np.ndarray, ...]]] = {
        "Linear": (lambda: layers.Linear(8, 4, key=key), (VECTOR,)),
        "MLP": (lambda: layers.MLP(8, 3, 16, 2, key=key), (VECTOR,)),
        "Identity": (lambda: layers.Identity(), (VECTOR,)),
        "Lambda": (lambda: layers.Lambda(jax.nn.silu), (VECTOR,)),
        "PReLU": (lambda: layers.PReLU(0.1), (VECTOR,)),
        "Embedding": (lambda: layers.Embedding(11, 4, key=key), (np.int32(3),)),
        "LayerNorm": (lambda: layers.LayerNorm(8), (VECTOR,)),
        "RMSNorm": (lambda: layers.RMSNorm(8), (VECTOR,)),
        "GroupNorm": (lambda: layers.GroupNorm(2, 4), (PICTURE,)),
        "WeightNorm": (lambda: layers.WeightNorm(layers.Linear(8, 4, key=key)), (VECTOR,)),
        "Dropout, eval": (lambda: layers.Dropout(0.5, inference=True), (VECTOR,)),
        "MultiheadAttention": (lambda: layers.MultiheadAttention(2, 8, key=key), (ROWS, ROWS, ROWS)),
        "RotaryPositionalEmbedding": (lambda: layers.RotaryPositionalEmbedding(8), (ROWS,)),
        "GRUCell": (lambda: layers.GRUCell(8, 4, key=key), (VECTOR, normal(4))),
        "LSTMCell": (lambda: _pair(layers.LSTMCell(8, 4, key=key)), (VECTOR, normal(4), normal(4))),
        "Sequential": (
            lambda: layers.Sequential([layers.Linear(8, 6, key=key), layers.Lambda(jax.nn.relu)]), (VECTOR,)),
        "BatchNorm, train": (lambda: _stateful(layers.BatchNorm, 4, "batch", mode="batch"), (normal(6, 4, 5),)),
        "BatchNorm, eval": (
            lambda: _stateful(layers.BatchNorm, 4, "batch", mode="ema", inference=True), (normal(6, 4, 5),)),
        "SpectralNorm": (
            lambda: _stateful(layers.SpectralNorm, layers.Linear(8, 4, key=key), "weight", key=key), (ROWS,)),
    }  # fmt: skip
    for n, x in enumerate((SIGNAL, PICTURE, BODY), 1):
        made[f"Conv{n}d"] = (lambda n=n: getattr(layers, f"Conv{n}d")(4, 3, 3, key=key)), (x,)
        made[f"ConvTranspose{n}d"] = (
            (lambda n=n: getattr(layers, f"ConvTranspose{n}d")(4, 3, 3, stride=2, key=key)),
            (x,),
        )
        for kind in ("AvgPool", "MaxPool"):
            made[f"{kind}{n}d"] = (lambda n=n, k=kind: getattr(layers, f"{k}{n}d")(3, 2)), (x,)
        for kind in ("AdaptiveAvgPool", "AdaptiveMaxPool"):
            made[f"{kind}{n}d"] = (lambda n=n, k=kind: getattr(layers, f"{k}{n}d")(2)), (x,)
    return [Case("equinox", name, make, inputs) for name, (make, inputs) in made.items()]


def _pair(cell: eqx.nn.LSTMCell) -> object:
    parameters, rest = eqx.partition(cell, eqx.is_inexact_array)
    leaves, form = jax.tree_util.tree_flatten(parameters)

    def call(leaves: list[object], x: object, h: object, c: object) -> object:
        return eqx.combine(jax.tree_util.tree_unflatten(form, leaves), rest)(x, (h, c))

    return samestep.Model(call, leaves, framework="jax")


def _stateful(kind: Callable[..., object], *args: object, **how: object) -> object:
    module, state = eqx.nn.make_with_state(kind)(*args, **how)
    parameters, rest = eqx.partition((module, state), eqx.is_inexact_array)
    leaves, form = jax.tree_util.tree_flatten(parameters)

    def call(leaves: list[object], x: object) -> object:
        whole, known = eqx.combine(jax.tree_util.tree_unflatten(form, leaves), rest)
        rows = jax.vmap(whole, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
        return rows(x, known)[0]

    return samestep.Model(call, leaves, framework="jax")
