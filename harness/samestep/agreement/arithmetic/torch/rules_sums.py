"""Sums, means, products and scans: n - 1 additions in random order, of the terms that are not zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.summation import sum_variance, wandering
from samestep.agreement.arithmetic.torch.long_products import sum_loss
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule
from samestep.agreement.arithmetic.torch.repetition import grouped, repetition, share_of_zeros

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode


def summed_dims(x: Tensor, dims: Any) -> list[int]:
    """Return the axes of a reduction: all of them for None or an empty list."""
    dims = [dims] if isinstance(dims, int) else list(dims or ())
    return [d % x.dim() for d in dims] if dims else list(range(x.dim()))


def sum_of_rows_variance(rows: Tensor, total: Tensor) -> Tensor:
    """Return the variance of the sums over (sums, terms), in units of s^2; 0 for small whole numbers.

    ``total`` holds the sums. Terms that are zero are none.
    """
    n = (rows != 0).sum(-1) if share_of_zeros(rows) else float(rows.shape[-1])
    variance = sum_variance(total, rows.square().sum(-1), n)
    variance = variance * wandering(rows, variance)
    again = repetition(rows)
    if again is not None:
        whole = (rows == rows.round()).all(-1) & (rows.abs().sum(-1) <= 2**24)
        variance = torch.where(whole, 0.0, variance * again)
    return variance


@rule("sum", "mean", "nansum")
def _sum(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A sum; a mean divides it, one rounding more."""
    x, out = args[0], func(*args, **kwargs)
    if not isinstance(x, Tensor) or not out.is_floating_point() or not x.numel():
        return mode.absolute(out, lambda: _complex_sum(x, out)) if out.is_complex() and x.numel() else out
    dims = summed_dims(x, args[1] if len(args) > 1 else kwargs.get("dim"))
    n = x.numel() // max(out.numel(), 1)
    mode.terms = max(mode.terms, n)
    divisor = float(n) if operation_name(func) == "mean" else 1.0

    def rows() -> Tensor:
        return grouped(x.to(out.dtype), dims) if x.dim() else x.to(out.dtype).reshape(1, 1)

    def deviation() -> Tensor:
        variance = sum_of_rows_variance(rows(), out.reshape(-1) * divisor).reshape(out.shape)
        return variance.sqrt() if divisor == 1 else (variance / divisor**2 + out.square()).sqrt()

    def bias() -> Tensor | None:
        loss = sum_loss(rows(), out)
        return None if loss is None else loss / divisor

    return mode.absolute(out, deviation, bias)


def _complex_sum(x: Tensor, out: Tensor) -> Tensor:
    n = x.numel() / out.numel()
    return out.abs() * (n / 3) ** 0.5 + x.abs().square().mean().sqrt() * n / 6**0.5


@rule("prod")
def _prod(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    out = func(*args, **kwargs)
    return mode.relative(out, max(args[0].numel() / max(out.numel(), 1) - 1, 0) ** 0.5)


def _before(n: int, out: Tensor, dim: int) -> Tensor:
    """The number of additions before each element of a scan, to be multiplied with it."""
    shape = [1] * out.dim()
    if out.dim():
        shape[dim] = n
    return torch.arange(n, dtype=torch.float64, device=out.device).reshape(shape)


@rule("cumsum")
def _cumsum(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Every partial sum rounds once, and carries the roundings of those before it."""
    out = func(*args, **kwargs)
    dim = args[1]
    mode.terms = max(mode.terms, out.shape[dim] if out.dim() else 1)
    if not out.is_floating_point():
        return out
    errors = mode.absolute(torch.zeros_like(out), lambda: _rounded_sizes(out, args[0], dim))
    return out.add_(torch.cumsum(errors, dim)) if mode.is_noisy else out


def _rounded_sizes(out: Tensor, x: Tensor, dim: int) -> Tensor:
    """|s_k| where adding x_k rounded it: not at the first element, and not where zero was added."""
    sizes = torch.where(x == 0, 0.0, out.abs())
    if out.dim():
        sizes.narrow(dim, 0, 1).zero_()
    if float(x.abs().sum()) <= 2**24 and torch.equal(x, x.round()):
        sizes.zero_()
    return sizes


@rule("cumprod")
def _cumprod(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As many roundings as products so far."""
    out = func(*args, **kwargs)
    dim = args[1]
    return mode.absolute(out, lambda: out.abs() * _before(out.shape[dim], out, dim).sqrt())


@rule("logcumsumexp")
def _logcumsumexp(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Each step is max + log1p(exp(-d)): 16 u of the addend, one rounding of the result, both carried on.

    An error e of the running value is carried with weight exp(s_(k-1) - s_k) <= 1: no more than k of them.
    """
    out = func(*args, **kwargs)
    dim = args[1]

    def deviation() -> Tensor:
        steps = _before(out.shape[dim], out, dim)
        return ((out.square() + 16.0**2 / 4) * steps / 3).sqrt()

    return mode.absolute(out, deviation)


@rule("var", "std", "var_mean", "std_mean")
def _variance(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Two passes: the mean, then the mean square of what is left, from operations of the mode."""
    x = args[0]
    given = {a.name: v for a, v in zip(func._schema.arguments, args, strict=False)} | kwargs
    dims = summed_dims(x, given.get("dim"))
    correction = given.get("correction", given.get("unbiased", 1))
    n = math.prod(x.shape[d] for d in dims)
    divisor = max(n - float(1 if correction is None else correction), 0.0)
    with mode.inside():
        mean = x.mean(dims, keepdim=True)
        centred = x - mean
        variance = (centred * centred).sum(dims, keepdim=True) / divisor
        if operation_name(func).startswith("std"):
            variance = variance.sqrt()
    if not given.get("keepdim", False):
        kept = [size for d, size in enumerate(x.shape) if d not in dims]
        mean, variance = mean.reshape(kept), variance.reshape(kept)
    return (variance, mean) if operation_name(func).endswith("mean") else variance
