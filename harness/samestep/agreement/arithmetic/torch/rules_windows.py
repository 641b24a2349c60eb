"""Averages over windows, and resizing: means of what a window holds, and their backward passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

aten = torch.ops.aten


def _named(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, with their defaults."""
    defaults = {a.name: a.default_value for a in func._schema.arguments}
    return defaults | {a.name: v for a, v in zip(func._schema.arguments, args, strict=False)} | kwargs


@rule("avg_pool2d", "avg_pool3d")
def _average(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The sum over the true elements of a window (padding is none), and a division."""
    given = _named(func, args, kwargs)
    x, out = args[0], func(*args, **kwargs)

    def deviation() -> Tensor:
        total = func(**{**given, "divisor_override": 1})
        squares = func(**{**given, "self": x.square(), "divisor_override": 1})
        n = func(**{**given, "self": torch.ones_like(x), "divisor_override": 1}).round()
        divisor = func(**{**given, "self": torch.ones_like(x)}).reciprocal() * n
        return (sum_variance(total, squares, n) / divisor.square() + out.square()).sqrt()

    return mode.absolute(out, deviation)


@rule("avg_pool2d_backward", "avg_pool3d_backward")
def _average_backward(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Each gradient is divided by its window's divisor, and those of overlapping windows are added."""
    given = _named(func, args, kwargs)
    out = func(*args, **kwargs)
    forward = getattr(aten, operation_name(func).removesuffix("_backward")).default

    def deviation() -> Tensor:
        rest = {k: v for k, v in given.items() if k not in ("grad_output", "self", "divisor_override")}
        ones = torch.ones_like(given["self"])
        mean = forward(ones, **rest, divisor_override=given["divisor_override"])
        divisor = forward(ones, **rest, divisor_override=1) / mean
        share = given["grad_output"] / divisor

        def total(x: Tensor) -> Tensor:
            return func(x, given["self"], **rest, divisor_override=1)

        squares = total(share.square())
        return (squares + sum_variance(out, squares, total((share != 0).to(share.dtype)).round())).sqrt()

    return mode.absolute(out, deviation)


def _window_sizes(size: int, outputs: int) -> Tensor:
    """How many elements of an axis each window of an adaptive pool holds."""
    starts = [i * size // outputs for i in range(outputs)]
    ends = [-(-(i + 1) * size // outputs) for i in range(outputs)]
    return torch.tensor([e - s for s, e in zip(starts, ends, strict=True)], dtype=torch.float64)


def _adaptive_sizes(inputs: torch.Size, outputs: torch.Size, axes: int) -> Tensor:
    sizes = torch.ones([1] * axes, dtype=torch.float64)
    for axis in range(axes):
        shape = [1] * axes
        shape[axis] = outputs[axis - axes]
        sizes = sizes * _window_sizes(inputs[axis - axes], outputs[axis - axes]).reshape(shape)
    return sizes


@rule("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def _adaptive(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Means over windows whose sizes differ by one."""
    x, out = args[0], func(*args, **kwargs)
    axes = int(operation_name(func)[-2])

    def deviation() -> Tensor:
        n = _adaptive_sizes(x.shape, out.shape, axes).to(x.device)
        squares = func(x.square(), *args[1:], **kwargs) * n
        return (sum_variance(out * n, squares, n) / n.square() + out.square()).sqrt()

    return mode.absolute(out, deviation)


@rule("_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward")
def _adaptive_backward(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    g, x = args[:2]
    out = func(*args, **kwargs)
    axes = int(operation_name(func).removesuffix("_backward")[-2])

    def deviation() -> Tensor:
        n = _adaptive_sizes(x.shape, g.shape, axes).to(x.device)
        squares = func(g.square() / n, x)
        return (squares + sum_variance(out, squares, func(n.expand_as(g).contiguous(), x).round())).sqrt()

    return mode.absolute(out, deviation)


@rule(
    "upsample_linear1d_backward",
    "upsample_bilinear2d_backward",
    "upsample_trilinear3d_backward",
    "upsample_bicubic2d_backward",
)
def _resize_backward(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The transposed interpolation, axis by axis: as a product with its matrix, whose entries round too."""
    given = _named(func, args, kwargs)
    g, size = args[0], given["input_size"]
    cubic = "bicubic" in operation_name(func)
    scales = [v for k, v in given.items() if k.startswith("scales")]
    with mode.inside():
        for axis, scale in zip(range(2, g.dim()), scales, strict=True):
            matrix = _interpolation(size[axis], g.shape[axis], given["align_corners"], scale, cubic, g)
            moved = g.movedim(axis, -1)
            g = (moved.reshape(-1, moved.shape[-1]) @ matrix).reshape(*moved.shape[:-1], -1).movedim(-1, axis)
    return g.contiguous()


def _interpolation(
    n: int, outputs: int, align: bool, scale: float | None, cubic: bool, like: Tensor
) -> Tensor:
    """The matrix (outputs, n) of an interpolation along one axis: what it makes of the unit vectors."""
    unit = torch.eye(n, dtype=like.dtype, device=like.device)
    if not cubic:
        return aten.upsample_linear1d.default(unit.unsqueeze(1), [outputs], align, scale).squeeze(1).T
    return aten.upsample_bicubic2d.default(unit[:, None, None], [1, outputs], align, None, scale)[:, 0, 0].T
