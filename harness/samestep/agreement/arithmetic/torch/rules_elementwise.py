"""Elementwise operations that do more than one rounding of their result: sums of two, powers, lerp, casts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.torch.dtypes import unseen
from samestep.agreement.arithmetic.torch.error_blocks import parts_of
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule
from samestep.agreement.arithmetic.torch.repetition import sample_of
from samestep.agreement.limits import unit_roundoff

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

#: Sums of two that are looked at: a mask over one in a thousand shows.
_ADDENDS = 4096
#: Operations that turn one dtype into another.
CASTS = frozenset({"_to_copy", "copy", "to"})


@rule("add", "sub")
def _add(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """One rounding, which is never larger than either addend; ``alpha`` times the second rounds before."""
    args, kwargs = mode.with_literals(args, kwargs)
    a, b, alpha = args[0], args[1], kwargs.get("alpha", 1)
    scaled = alpha not in (1, -1) and isinstance(b, Tensor) and (b.is_floating_point() or b.is_complex())
    if scaled:
        b = mode.relative(b * alpha, ELEMENTWISE_UNITS["multiply"])
        kwargs = {k: v for k, v in kwargs.items() if k != "alpha"}
    changes = mode.is_recording and func._schema.is_mutable  # `a` becomes the sum
    before = a.clone() if changes and isinstance(a, Tensor) else a
    out = func(a, b, *args[2:], **kwargs)

    def share() -> Tensor | None:
        if _no_addend_is_small(before, b, out):
            return None
        return _shares(before, b, out)

    mode.operation = operation_name(func)
    return mode.relative(out, ELEMENTWISE_UNITS["add"], share)


def _shares(a: Any, b: Any, out: Tensor) -> Tensor:
    """Return |smaller addend| / |sum|, in float32."""
    shares = torch.empty_like(out, dtype=torch.float32).reshape(out.shape or (1,))
    total, *addends = (
        torch.as_tensor(x, device=out.device).expand(out.shape).reshape(shares.shape) for x in (out, a, b)
    )
    for part in parts_of(shares):
        size = total[part].abs()
        smaller = torch.minimum(*(_size(x[part], out) for x in addends))
        shares[part] = torch.where(size != 0, smaller / size, 1.0).nan_to_num_(1.0)  # two infinities
    return shares.reshape(out.shape)


def _no_addend_is_small(a: Any, b: Any, out: Tensor) -> bool:
    """Whether in a sample no addend is below half the last bit of the sum: a mask or zeros would show."""
    last = sample_of(out, out.shape, _ADDENDS).abs() * unit_roundoff("float32")
    sizes = (_size(sample_of(x, out.shape, _ADDENDS) if isinstance(x, Tensor) else x, out) for x in (a, b))
    return not any(bool((size < last).any()) for size in sizes)


def _size(x: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(x, dtype=like.dtype, device=like.device).abs()


@rule("pow")
def _pow(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Small integers are products, halves roots; other exponents a library's function."""
    exponent = args[1]
    units = ELEMENTWISE_UNITS["power"]
    if not isinstance(exponent, Tensor) and (float(exponent) in (0.5, -0.5) or float(exponent).is_integer()):
        power = float(exponent)
        units = min(units, max(1.0, abs(power) - 1) + (power < 0))
    args, kwargs = mode.with_literals(args, kwargs)
    return mode.relative(func(*args, **kwargs), units)


@rule("lerp")
def _lerp(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """a + w (b - a), or (1 - w) a + w b: three roundings each, of the terms of either and of the result."""
    args, kwargs = mode.with_literals(args, kwargs)
    a, b, w = args[:3]
    start = a.clone() if mode.is_recording else a
    out = func(*args, **kwargs)
    return mode.absolute(
        out, lambda: (2 * ((b - start) * w) ** 2 + 2 * ((1 - w) * start) ** 2 + out**2).sqrt()
    )


@rule("addcmul", "addcdiv")
def _addc(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """x + value a b: two roundings of the term, one of the sum."""
    args, kwargs = mode.with_literals(args, kwargs)
    _, a, b = args[:3]
    value = kwargs.get("value", 1)
    out = func(*args, **kwargs)
    divides = operation_name(func) == "addcdiv"
    return mode.absolute(out, lambda: (2 * ((a / b if divides else a * b) * value) ** 2 + out**2).sqrt())


@rule("arange", "linspace", "logspace", "range")
def _sequence(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """start + i step, the step a literal: three roundings of the larger end; none where float32 holds all."""
    out = func(*args, **kwargs)
    with unseen():  # no tape shall take it for the code's own question
        held = not out.is_floating_point() or torch.equal(out.to(torch.float32).to(out.dtype), out)
    if held:
        return out
    return mode.absolute(out, lambda: 3**0.5 * torch.maximum(out.abs(), out[:1].abs()))


@rule("_to_copy", "copy", "bucketize", "searchsorted")
def _convert(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Values become integers: the exact run's, since noise must not excuse what lies on an edge."""
    name = operation_name(func)
    source = args[1] if name in ("copy", "bucketize") else args[0]
    if name == "searchsorted" and isinstance(args[1], Tensor):
        source = args[1]
    out = func(*args, **kwargs)
    whole = not out.is_floating_point() and not out.is_complex() and out.dtype is not torch.bool
    if whole and isinstance(source, Tensor) and source.is_floating_point():
        return mode.integers(out)
    return out


@rule("polar")
def _polar(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Its parts are a sine and a cosine: half the units, since complex results count double."""
    return mode.relative(func(*args, **kwargs), ELEMENTWISE_UNITS["sin"] / 2)


@rule("ldexp")
def _ldexp(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """x 2^n: exact for integers n, else a power and a product."""
    x, exponent = args
    if not exponent.is_floating_point():
        return func(*args, **kwargs)
    with mode.inside():
        power = torch.pow(2.0, exponent)
        return x.mul_(power) if func._schema.is_mutable else x * power
