"""Sums over what an index sends to one place: scatter-adds, embedding gradients, backward passes of windows.

Each is a linear map with coefficients 0 and 1: the map of squares gives Q, and of ones the number of terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.repetition import repetition_at
from samestep.agreement.arithmetic.torch.roundings import width_dtype

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

aten = torch.ops.aten


@rule(
    "max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward", "adaptive_max_pool2d_backward",
    "fractional_max_pool2d_backward", "fractional_max_pool3d_backward",
    "adaptive_max_pool3d_backward", "reflection_pad1d_backward", "reflection_pad2d_backward",
    "reflection_pad3d_backward", "replication_pad1d_backward", "replication_pad2d_backward",
    "replication_pad3d_backward", "upsample_nearest1d_backward", "upsample_nearest2d_backward",
    "upsample_nearest3d_backward", "_upsample_nearest_exact1d_backward", "_upsample_nearest_exact2d_backward",
    "_upsample_nearest_exact3d_backward", "unfold_backward", "col2im",
)  # fmt: skip
def _gathered(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Sums of gradients from windows that overlap."""
    g = args[0]
    out = func(*args, **kwargs)

    def linear(x: Tensor) -> Tensor:
        return func(x, *args[1:], **kwargs)

    return mode.absolute(out, lambda: _sums(linear, g, out), scale=mode.accumulation_scale)


def _sums(linear: Callable[[Tensor], Tensor], x: Tensor, out: Tensor) -> Tensor:
    counts = linear((x != 0).to(x.dtype))
    return sum_variance(out, linear(x.square()), counts).sqrt()


@rule("embedding_dense_backward")
def _embedding_backward(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Sums of the gradients of all places where a row was looked up; by frequency, a division more."""
    g = args[0]
    by_frequency = bool(args[4]) if len(args) > 4 else False
    out = func(*args, **kwargs)

    def deviation() -> Tensor:
        used, places = args[1].long().unique(return_inverse=True)  # other rows are sums of nothing
        total, rest = out[used], (places, used.numel(), -1, False)
        counts = func(torch.ones_like(g[..., :1]), *rest) * (used != args[3]).unsqueeze(-1)
        divisor = counts.clamp_min(1) if by_frequency else 1.0
        additions = sum_variance(total * divisor, func(g.square(), *rest), counts)
        elements = torch.arange(total.numel(), device=out.device).reshape(total.shape)
        again = repetition_at(elements[places], g, total.numel())
        additions = additions if again is None else additions * again.reshape(total.shape)
        widths = (additions + (total * divisor).square() * by_frequency).sqrt() / divisor
        return torch.zeros(out.shape, dtype=width_dtype(out), device=out.device).index_copy_(
            0, used, widths.to(width_dtype(out))
        )

    return mode.absolute(out, deviation, scale=mode.accumulation_scale)


@rule("index_add", "scatter_add")
def _scatter_add(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    functional = {"index_add": aten.index_add.default, "scatter_add": aten.scatter_add.default}[
        operation_name(func)
    ]
    _, kwargs = mode.with_literals((), kwargs)
    return _accumulated(mode, func, functional, args, kwargs, 3)


@rule("index_put", "_index_put_impl", "_unsafe_index_put", "_unsafe_masked_index_put_accumulate", "put")
def _index_put(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = operation_name(func)
    accumulates = name == "_unsafe_masked_index_put_accumulate" or kwargs.get(
        "accumulate", len(args) > 3 and args[3]
    )
    if not accumulates:
        return func(*args, **kwargs)
    functional = {
        "_unsafe_masked_index_put_accumulate": func, "put": aten.put.default,
    }.get(name, aten.index_put.default)  # fmt: skip
    at = 3 if name == "_unsafe_masked_index_put_accumulate" else 2
    return _accumulated(mode, func, functional, args[:4], kwargs, at)


def _accumulated(
    mode: NoiseMode, func: Any, functional: Any, args: tuple[Any, ...], kwargs: dict[str, Any], at: int
) -> Any:
    """``args[at]`` is added to places of ``args[0]``."""
    start = args[0].clone() if mode.is_recording else args[0]
    added = args[at]
    out = func(*args, **kwargs)
    alpha = kwargs.get("alpha", 1)
    unscaled = {k: v for k, v in kwargs.items() if k != "alpha"}

    def sums(before: Tensor, terms: Tensor) -> Tensor:
        rest = list(args)
        rest[0], rest[at] = before, terms
        return functional(*rest, **unscaled)

    def deviation() -> Tensor:
        terms = added * alpha
        squares = sums(start.square(), terms.square())
        counts = sums((start != 0).to(start.dtype), (terms != 0).to(start.dtype))
        scaled = sums(torch.zeros_like(start), terms.square()) if alpha not in (1, -1) else 0.0
        additions = sum_variance(out, squares, counts)
        again = repetition_at(*_places(operation_name(functional), start, terms, args), start.numel())
        additions = additions if again is None else additions * again.reshape(start.shape)
        return (additions + scaled).sqrt()

    return mode.absolute(out, deviation, scale=mode.accumulation_scale)


def _places(name: str, start: Tensor, terms: Tensor, args: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    """Where each term is added, as a flat index, and the terms in that shape."""
    every = torch.arange(start.numel(), device=start.device).reshape(start.shape)
    if name == "index_add":
        places = every.index_select(args[1], args[2])
    elif name == "scatter_add":
        places = every.gather(args[1], args[2])
        return places, terms[tuple(slice(size) for size in places.shape)]
    elif name == "put":
        places = args[1]
    else:
        places = aten.index.Tensor(every, list(args[2] if name.startswith("_unsafe_masked") else args[1]))
    return places, terms.broadcast_to(places.shape)


@rule("scatter", "bincount")
def _scattered(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What is put in a place is not rounded, but for numbers; what is added there is refused."""
    weighted = operation_name(func) == "bincount" and any(
        isinstance(x, Tensor) for x in (*args[1:], *kwargs.values())
    )
    if weighted or "reduce" in func._schema.overload_name:
        refuse(func, "no rule for what it adds in place")
    args, kwargs = mode.with_literals(args, kwargs)
    return func(*args, **kwargs)


@rule("scatter_reduce", "index_reduce")
def _reduced(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Sums, means and products by index; the largest and smallest are exact."""
    x, dim, index, source, kind = args[:5]
    whole = kwargs.get("include_self", args[5] if len(args) > 5 else True)
    start = x.clone() if mode.is_recording else x
    out = func(*args, **kwargs)
    if kind in ("amax", "amin"):
        return out
    if kind not in ("sum", "mean", "prod"):
        refuse(func, f"no rule for reduce={kind!r}")
    add = aten.index_add.default if operation_name(func) == "index_reduce" else aten.scatter_add.default

    def deviation() -> Tensor:
        here = (start != 0).to(out.dtype) if whole else torch.zeros_like(out)
        true = add(here, dim, index, (source != 0).to(out.dtype))
        if kind == "prod":
            return out.abs() * true.clamp_min(1).sub(1).sqrt()
        first = start if whole else torch.zeros_like(out)
        total = add(first, dim, index, source)
        variance = sum_variance(total, add(first.square(), dim, index, source.square()), true)
        if kind == "sum":
            return variance.sqrt()
        ones = add(torch.full_like(out, float(whole)), dim, index, torch.ones_like(source))
        return (variance / ones.clamp_min(1).square() + out.square()).sqrt()

    return mode.absolute(out, deviation, scale=mode.accumulation_scale)
