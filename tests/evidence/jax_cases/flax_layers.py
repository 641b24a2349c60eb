"""Layers of Flax: Linen with its variables, and NNX."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx

import samestep
from tests.evidence.jax_cases.case import FILM, IDS, IMAGE, LINE, ROWS, TOKENS, Case, of_function


def linen() -> list[Case]:
    """Return the layers of Flax Linen."""
    made = {
        "Dense": (nn.Dense(4), TOKENS), "DenseGeneral": (nn.DenseGeneral((2, 4)), TOKENS),
        "Dense, bfloat16": (nn.Dense(4, dtype=jnp.bfloat16), TOKENS),
        "Einsum": (nn.Einsum((8, 2, 3), "abc,cde->abde"), TOKENS), "Embed": (nn.Embed(11, 4), IDS),
        "Conv": (nn.Conv(4, (3, 3)), IMAGE), "Conv, strided": (nn.Conv(4, (3, 3), strides=2), IMAGE),
        "Conv, grouped and dilated": (
            nn.Conv(4, (3, 3), feature_group_count=2, kernel_dilation=2, padding="VALID"), IMAGE),
        "Conv, circular": (nn.Conv(4, (3,), padding="CIRCULAR"), LINE),
        "ConvLocal": (nn.ConvLocal(4, (3, 3)), IMAGE),
        "ConvTranspose": (nn.ConvTranspose(4, (3, 3), strides=(2, 2)), IMAGE),
        "BatchNorm, eval": (nn.BatchNorm(use_running_average=True), IMAGE),
        "BatchNorm, train": (nn.BatchNorm(use_running_average=False), IMAGE),
        "LayerNorm": (nn.LayerNorm(), TOKENS), "LayerNorm, two-pass": (
            nn.LayerNorm(use_fast_variance=False), TOKENS),
        "GroupNorm": (nn.GroupNorm(num_groups=2), IMAGE), "InstanceNorm": (nn.InstanceNorm(), IMAGE),
        "RMSNorm": (nn.RMSNorm(), TOKENS), "WeightNorm": (nn.WeightNorm(nn.Dense(4)), TOKENS),
        "PReLU": (nn.PReLU(), TOKENS), "Dropout, eval": (nn.Dropout(0.5, deterministic=True), TOKENS),
        "Sequential": (nn.Sequential([nn.Dense(6), nn.relu, nn.Dense(3)]), TOKENS),
        "MultiHeadDotProductAttention": (nn.MultiHeadDotProductAttention(num_heads=2), TOKENS),
        "MultiHeadAttention": (nn.MultiHeadAttention(num_heads=2), TOKENS),
        "SelfAttention": (nn.SelfAttention(num_heads=2), TOKENS),
        "RNN of LSTMCell": (nn.RNN(nn.LSTMCell(4)), TOKENS),
        "RNN of OptimizedLSTMCell": (nn.RNN(nn.OptimizedLSTMCell(4)), TOKENS),
        "RNN of GRUCell": (nn.RNN(nn.GRUCell(4)), TOKENS), "RNN of MGUCell": (nn.RNN(nn.MGUCell(4)), TOKENS),
        "RNN of SimpleCell": (nn.RNN(nn.SimpleCell(4)), TOKENS),
        "RNN of ConvLSTMCell": (nn.RNN(nn.ConvLSTMCell(3, (3, 3))), FILM),
        "Bidirectional": (nn.Bidirectional(nn.RNN(nn.GRUCell(4)), nn.RNN(nn.GRUCell(4))), TOKENS),
        "Dense with Fp8DotGeneralOp": (nn.Dense(4, dot_general_cls=nn.Fp8DotGeneralOp), ROWS),
    }  # fmt: skip

    def opened(module: nn.Module, x: np.ndarray) -> Callable[[], object]:
        return lambda: (module, module.init(jax.random.key(0), x))

    cases = [Case("flax.linen", name, opened(module, x), (x,)) for name, (module, x) in made.items()]
    pools = {"avg_pool": nn.avg_pool, "max_pool": nn.max_pool}
    cases += [
        Case("flax.linen", name, of_function(lambda x, pool=pool: pool(x, (3, 3), (2, 2), "SAME")), (IMAGE,))
        for name, pool in pools.items()
    ]
    return [*cases, Case("flax.linen", "SpectralNorm", _spectral, (ROWS,)),
            Case("flax.linen", "Dropout, train", _dropped, (TOKENS,))]  # fmt: skip


def _spectral() -> object:
    module = nn.SpectralNorm(nn.Dense(4))
    variables = module.init(jax.random.key(0), ROWS, update_stats=False)
    return samestep.Model(lambda p, x: module.apply(p, x, update_stats=False), variables, framework="jax")


def _dropped() -> object:
    module = nn.Dropout(0.5, deterministic=False)
    return samestep.Model(lambda x: module.apply({}, x, rngs={"dropout": jax.random.key(1)}), framework="jax")


def of_nnx() -> list[Case]:
    """Return the layers of Flax NNX."""
    made: dict[str, tuple[Callable[[nnx.Rngs], object], np.ndarray]] = {
        "Linear": (lambda r: nnx.Linear(8, 4, rngs=r), TOKENS),
        "LinearGeneral": (lambda r: nnx.LinearGeneral(8, (2, 4), rngs=r), TOKENS),
        "Einsum": (lambda r: nnx.Einsum("abc,cde->abde", (8, 2, 3), (2, 3), rngs=r), TOKENS),
        "Embed": (lambda r: nnx.Embed(11, 4, rngs=r), IDS),
        "Conv": (lambda r: nnx.Conv(4, 3, (3, 3), rngs=r), IMAGE),
        "ConvTranspose": (lambda r: nnx.ConvTranspose(4, 3, (3, 3), strides=(2, 2), rngs=r), IMAGE),
        "BatchNorm, train": (lambda r: nnx.BatchNorm(4, rngs=r), IMAGE),
        "BatchNorm, eval": (lambda r: nnx.BatchNorm(4, use_running_average=True, rngs=r), IMAGE),
        "LayerNorm": (lambda r: nnx.LayerNorm(8, rngs=r), TOKENS),
        "GroupNorm": (lambda r: nnx.GroupNorm(4, num_groups=2, rngs=r), IMAGE),
        "InstanceNorm": (lambda r: nnx.InstanceNorm(4, rngs=r), IMAGE),
        "RMSNorm": (lambda r: nnx.RMSNorm(8, rngs=r), TOKENS),
        "WeightNorm": (lambda r: nnx.WeightNorm(nnx.Linear(8, 4, rngs=r), rngs=r), TOKENS),
        "SpectralNorm": (lambda r: nnx.SpectralNorm(nnx.Linear(8, 4, rngs=r), rngs=r), ROWS),
        "PReLU": (lambda r: nnx.PReLU(), TOKENS),
        "Dropout, train": (lambda r: nnx.Dropout(0.5, rngs=r), TOKENS),
        "Dropout, eval": (lambda r: nnx.Dropout(0.5, deterministic=True, rngs=r), TOKENS),
        "LoRA": (lambda r: nnx.LoRA(8, 2, 4, rngs=r), TOKENS),
        "LoRALinear": (lambda r: nnx.LoRALinear(8, 4, lora_rank=2, rngs=r), TOKENS),
        "MultiHeadAttention": (lambda r: nnx.MultiHeadAttention(2, 8, decode=False, rngs=r), TOKENS),
        "Sequential": (
            lambda r: nnx.Sequential(nnx.Linear(8, 6, rngs=r), nnx.relu, nnx.Linear(6, 3, rngs=r)), TOKENS),
        "RNN of LSTMCell": (lambda r: nnx.RNN(nnx.LSTMCell(8, 4, rngs=r), rngs=r), TOKENS),
        "RNN of OptimizedLSTMCell": (lambda r: nnx.RNN(nnx.OptimizedLSTMCell(8, 4, rngs=r), rngs=r), TOKENS),
        "RNN of GRUCell": (lambda r: nnx.RNN(nnx.GRUCell(8, 4, rngs=r), rngs=r), TOKENS),
        "RNN of SimpleCell": (lambda r: nnx.RNN(nnx.SimpleCell(8, 4, rngs=r), rngs=r), TOKENS),
        "Bidirectional": (lambda r: nnx.Bidirectional(
            nnx.RNN(nnx.GRUCell(8, 4, rngs=r), rngs=r), nnx.RNN(nnx.GRUCell(8, 4, rngs=r), rngs=r), rngs=r),
            TOKENS),
    }  # fmt: skip
    return [
        Case("flax.nnx", name, lambda make=make: make(nnx.Rngs(0)), (x,)) for name, (make, x) in made.items()
    ]
