"""Matrix products and convolutions: rounding of each product, and of their sum in random order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.arithmetic.torch.error_blocks import parts_of
from samestep.agreement.arithmetic.torch.long_products import product_loss
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule
from samestep.agreement.arithmetic.torch.repetition import grouped, repetition, share_of_zeros
from samestep.agreement.arithmetic.torch.roundings import width_dtype
from samestep.agreement.arithmetic.torch.rules_sums import sum_of_rows_variance

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

aten = torch.ops.aten

#: The fewest rows of a block for which a matrix product is worth its start.
ROWS = 16


def product_variance(a: Tensor, b: Tensor, product: Tensor) -> Tensor:
    """Return the variance of a @ b in units of s^2, for a (..., m, k), b (..., k, n) and their product.

    Terms that are zero do not round; terms that are equal, which needs both operands to repeat, round alike.
    """
    return _variances(a, b)(slice(None), product)


def product_deviation(a: Tensor, b: Tensor, product: Tensor) -> Tensor:
    """Return the root of `product_variance` as it is kept, made block by block: it may be large."""
    variance = _variances(a, b)
    deviation = torch.empty(product.shape, dtype=width_dtype(product), device=product.device)
    for part in parts_of(product, ROWS if a.dim() == 2 else 1):
        deviation[part] = variance(part, product[part]).sqrt_()
    return deviation


def _variances(a: Tensor, b: Tensor) -> Callable[[slice, Tensor], Tensor]:
    """Return what gives the variance of some rows (of products, for three axes) of a @ b."""
    squares, counted, again = b.square(), _has_zeros(a, b), _repetition(a, b)
    true = (b != 0).to(b.dtype) if counted else None

    def some(x: Tensor, part: slice) -> Tensor:
        return x if x.dim() == 2 else x[part]

    def variance(part: slice, product: Tensor) -> Tensor:
        left = a[part]
        square = _matmul(left.square(), some(squares, part))
        n = (
            float(a.shape[-1])
            if true is None
            else _matmul((left != 0).to(a.dtype), some(true, part)).round_()
        )
        additions = sum_variance(product, square, n)
        if again is not None:
            additions = additions * torch.minimum(again[0][part], some(again[1], part))
        return square + additions

    return variance


def _repetition(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor] | None:
    """How often each term of the rows of a, (..., m, 1), and of the columns of b, (..., 1, n), occurs."""
    along_a = repetition(a.flatten(0, -2))
    along_b = None if along_a is None else repetition(b.mT.flatten(0, -2))
    if along_a is None or along_b is None:
        return None
    return along_a.reshape(*a.shape[:-1], 1), along_b.reshape(*b.shape[:-2], 1, b.shape[-1])


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    return aten.mm.default(a, b) if a.dim() == 2 else aten.bmm.default(a, b)


def _has_zeros(a: Tensor, b: Tensor) -> bool:
    """Whether a quarter of an operand is zero, as behind a mask: then the nonzero terms are counted."""
    return any(share_of_zeros(x) > 1 / 4 for x in (a, b))


def _complex_deviation(a: Tensor, b: Tensor, product: Tensor) -> Tensor:
    """Of each part: four real products of k terms make two parts; bounded by the sums of moduli."""
    size_a, size_b = a.real.abs() + a.imag.abs(), b.real.abs() + b.imag.abs()
    total = _matmul(size_a, size_b)
    squares = _matmul(size_a.square(), size_b.square())
    return (squares + sum_variance(total, squares, 2.0 * a.shape[-1])).sqrt()


@rule("mm", "bmm")
def _product(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    a, b = mode.operand(args[0]), mode.operand(args[1])
    out = func(a, b)
    mode.terms = max(mode.terms, a.shape[-1])
    if not out.is_floating_point() and not out.is_complex():
        return out
    deviation = _complex_deviation if out.is_complex() else product_deviation
    mode.absolute(out, lambda: deviation(a, b, out), lambda: product_loss(a, b, out))
    return mode.product_result(out)


@rule("mv", "dot", "vdot")
def _vector_product(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As products of matrices, with the vectors as columns and rows."""
    a, b = args[:2]
    if operation_name(func) == "vdot":
        a = a.conj()
    out = _product(mode, aten.mm.default, (a if a.dim() == 2 else a.unsqueeze(0), b.unsqueeze(1)), {})
    return out.squeeze(1) if a.dim() == 2 else out.reshape(())


@rule("addmm", "baddbmm", "addbmm", "addmv")
def _added_product(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """beta c + alpha a b: the product, its scaling, and one rounding of the sum."""
    _, kwargs = mode.with_literals((), kwargs)
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
    name = operation_name(func)
    c = args[0].clone() if mode.is_recording else args[0]
    a, b = mode.operand(args[1]), mode.operand(args[2])
    out = func(args[0], a, b, **kwargs)
    mode.terms = max(mode.terms, a.shape[-1])

    def deviation() -> Tensor:
        column = b.unsqueeze(1) if name == "addmv" else b
        product = _matmul(a, column)
        variance = product_variance(a, column, product) * alpha**2
        variance = variance + (alpha * product).square() * (alpha != 1)
        variance = variance.sum(0) if name == "addbmm" else variance
        variance = variance.squeeze(1) if name == "addmv" else variance
        added = out.square() * (beta != 0) + (beta * c).square() * (beta not in (0, 1))
        return (variance + added * (c != 0 if beta else 1)).sqrt()

    mode.absolute(out, deviation, lambda: product_loss(a, b, out) if name in ("addmm", "baddbmm") else None)
    return mode.product_result(out)


@rule("convolution", "_convolution", "convolution_overrideable")
def _convolution(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Products over the kernel and the channels of a group; padding and dilation are no terms."""
    x, w, bias = mode.operand(args[0]), mode.operand(args[1]), args[2]
    rest = args[3:]
    transposed, groups = rest[3], rest[5]
    out = func(x, w, bias, *rest, **kwargs)
    per_group = (x.shape[1] if transposed else w.shape[1] * groups) // groups
    mode.terms = max(mode.terms, per_group * w[0, 0].numel())

    def deviation() -> Tensor:
        squares = func(x.square(), w.square(), None, *rest, **kwargs)
        plain = out if bias is None else func(x, w, None, *rest, **kwargs)
        ones = x.new_ones(1, groups, *x.shape[2:]), w.new_ones(groups, 1, *w.shape[2:])
        n = func(*ones, None, *rest, **kwargs).round_()[:, :1] * per_group
        variance = squares + sum_variance(plain, squares, n) * _alike(x, w, transposed, groups)
        return variance.sqrt() if bias is None else (variance + out.square()).sqrt()

    mode.absolute(out, deviation)
    return mode.product_result(out)


def _alike(x: Tensor, w: Tensor, transposed: bool, groups: int) -> Tensor | float:
    """How many times each term of a convolution occurs: where both the kernel and the image repeat."""
    if transposed:
        filters = (
            w.reshape(groups, -1, *w.shape[1:])
            .transpose(1, 2)
            .reshape(-1, w.shape[0] // groups * w[0, 0].numel())
        )
    else:
        filters = w.flatten(1)
    of_w, of_x = repetition(filters), repetition(x.flatten(1))
    if of_w is None or of_x is None:
        return 1.0
    rows = of_x.reshape(-1, *[1] * (x.dim() - 1))
    return torch.minimum(rows, of_w.reshape(1, -1, *[1] * (x.dim() - 2)))


@rule("convolution_backward", "convolution_backward_overrideable")
def _convolution_backward(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Gradients of the input, the kernel and the bias: sums over kernel, over batch and space, over both."""
    g, x, w = (mode.operand(operand) for operand in args[:3])
    rest = args[3:]
    groups = rest[6]
    outs = func(g, x, w, *rest, **kwargs)
    mode.terms = max(mode.terms, g.numel() // max(g.shape[1], 1))
    squares = counts = outs
    if mode.is_recording:
        squares = func(g.square(), x.square(), w.square(), *rest, **kwargs)
        ones = (
            g.new_ones(1, groups, *g.shape[2:]),
            x.new_ones(1, groups, *x.shape[2:]),
            w.new_ones(groups, 1, *w.shape[2:]),
        )
        sizes = None if rest[0] is None else [groups]
        counts = func(*ones, sizes, *rest[1:], **kwargs)
    along = g.shape[1] // groups
    for i, out in enumerate(outs):
        if out is None or not out.numel():
            continue

        def deviation(i: int = i, out: Tensor = out) -> Tensor:
            if i == 2:
                rows = grouped(g, [0, *range(2, g.dim())])
                return sum_of_rows_variance(rows, rows.sum(-1)).sqrt()
            n = counts[i].round()[:1, :1] * (along if i == 0 else g.shape[0])
            alike = 1.0 if i == 0 else _alike_gradient(g, x, out, rest[4])
            return (squares[i] + sum_variance(out, squares[i], n) * alike).sqrt()

        mode.absolute(out, deviation)
        mode.product_result(out)
    return outs


def _alike_gradient(g: Tensor, x: Tensor, out: Tensor, transposed: bool) -> Tensor | float:
    """How many times each term of a kernel's gradient occurs: where gradient and input both repeat."""
    space = [0, *range(2, g.dim())]
    of_g, of_x = repetition(grouped(g, space)), repetition(grouped(x, space))
    if of_g is None or of_x is None:
        return 1.0
    first, second = (of_x, of_g) if transposed else (of_g, of_x)
    return torch.minimum(first.reshape(-1, *[1] * (out.dim() - 1)), second.amax())
