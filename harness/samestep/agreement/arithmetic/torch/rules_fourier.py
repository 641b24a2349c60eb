"""Discrete Fourier transforms: one axis after another, each with the errors of its stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.fourier import transform_variance
from samestep.agreement.arithmetic.torch.operation_table import rule

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

aten = torch.ops.aten


@rule("_fft_c2c")
def _complex(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, axes, normalization, forward = args
    points = math.prod(x.shape[axis] for axis in axes)
    return _scaled(mode, _along(mode, x, axes, forward), points, normalization)


@rule("_fft_r2c")
def _from_real(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The last axis of real numbers, then the others."""
    x, (*others, last), normalization, onesided = args
    points = math.prod(x.shape[axis] for axis in (*others, last))
    whole = aten._fft_r2c.default(x, [last], 0, False)
    out = whole.narrow(last, 0, x.shape[last] // 2 + 1).contiguous() if onesided else whole
    _rounded(mode, out, lambda: _variance(whole, last).narrow(last, 0, out.shape[last]))
    return _scaled(mode, _along(mode, out, others, True), points, normalization)


@rule("_fft_c2r")
def _to_real(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The other axes, then the last one, which gives real numbers."""
    x, (*others, last), normalization, size = args
    points = math.prod(x.shape[axis] for axis in others) * size
    out = aten._fft_c2r.default(_along(mode, x, others, False), [last], 0, size)
    _rounded(mode, out, lambda: _variance(out, last))
    return _scaled(mode, out, points, normalization)


def _along(mode: NoiseMode, x: Tensor, axes: list[int], forward: bool) -> Tensor:
    for axis in axes:
        x = aten._fft_c2c.default(x, [axis], 0, forward)
        _rounded(mode, x, lambda out=x, axis=axis: _variance(out, axis))
    return x


def _variance(out: Tensor, axis: int) -> Tensor:
    squares = out.abs().square().movedim(axis, -1)
    return transform_variance(torch, squares).movedim(-1, axis)


def _rounded(mode: NoiseMode, out: Tensor, variance: Any) -> None:
    """Add the errors: half of the variance in each part; a part that is 0 throughout rounds nowhere."""
    mode.terms = max(mode.terms, out.numel())
    mode.absolute(out, lambda: (variance() / (2 if out.is_complex() else 1)).sqrt())


def _scaled(mode: NoiseMode, out: Tensor, points: int, normalization: int) -> Tensor:
    """1: by the square root of the number of points; 2: by that number."""
    if not normalization:
        return out
    with mode.inside():
        return out * (points**-0.5 if normalization == 1 else 1 / points)
