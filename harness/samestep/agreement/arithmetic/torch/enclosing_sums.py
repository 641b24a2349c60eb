"""The bounds of sums and products in PyTorch: reductions, products, convolutions, windows, scatters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.torch.bounded_call import Applied, Values, as_enclosed, bound_rule
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.worst_case import (
    FLOAT32,
    Array,
    Enclosed,
    Map,
    added,
    monotone,
    multiplied,
    product,
    settled,
    summed,
    undecided_windows,
)
from samestep.agreement.limits import gamma

#: What a coefficient that is computed (1/n, a weight of an interpolation) rounds by, and the product with it.
_COEFFICIENT = 4
#: The window of a max pool, with the default of each part.
_WINDOW = {"kernel_size": (1,), "stride": (1,), "padding": (0,), "dilation": (1,)}


def _whole(call: Applied, values: Values) -> list[Enclosed] | None:
    """Whole numbers, which are exact where what they are made of is."""
    return [Enclosed.exact(values[0])] if all(x.decided for x in call.operands) else None


@bound_rule("sum", "mean")
def _sum(call: Applied, values: Values) -> list[Enclosed] | None:
    x, value = call.operands[0], values[0]
    if value.dtype.kind != "f":
        return _whole(call, values)
    is_mean = operation_name(call.func) == "mean"
    terms = max(x.value.size // max(value.size, 1), 1)
    plain = Enclosed(x.value.astype(np.float64), x.bound, x.terms)
    return [summed(value, call.only(0), plain, terms, _COEFFICIENT if is_mean else 0)]


@bound_rule("cumsum")
def _cumsum(call: Applied, values: Values) -> list[Enclosed] | None:
    x, value = call.operands[0], values[0]
    if value.dtype.kind != "f":
        return _whole(call, values)
    return [summed(value, call.only(0), x, max(x.value.shape[call.args[1]], 1))]


@bound_rule("mm", "bmm", "mv", "dot", "vdot")
def _product(call: Applied, values: Values) -> list[Enclosed] | None:
    a, b = call.operands
    if values[0].dtype.kind != "f":
        return _whole(call, values)
    return [product(values[0], call.only(0, 1), a, b, max(a.value.shape[-1], 1), call.contract)]


@bound_rule("addmm", "baddbmm", "addmv")
def _added_product(call: Applied, values: Values) -> list[Enclosed]:
    """beta c + alpha a b, each scaled where the numbers are not 1."""
    c, a, b = call.args[:3]
    value = np.matmul(a.value, b.value)
    made = product(value, np.matmul, a, b, max(a.value.shape[-1], 1), call.contract)
    terms = []
    for one, scale in ((c, call.given("beta", 1)), (made, call.given("alpha", 1))):
        if isinstance(scale, Enclosed) or scale != 1:
            number = as_enclosed(scale)
            scaled = multiplied(one.value * number.value, one, number)
            one = Enclosed(scaled.value, scaled.bound, one.terms)
        terms.append(one)
    return [added(values[0], *terms)]


@bound_rule("convolution", "_convolution")
def _convolution(call: Applied, values: Values) -> list[Enclosed]:
    x, w, bias = call.args[:3]
    rest = call.args[3:]

    def apply(a: Array, b: Array) -> Array:
        return Applied(call.func, (Enclosed.exact(a), Enclosed.exact(b), None, *rest), call.kwargs).run(a, b)[
            0
        ]

    transposed, groups = rest[3], rest[5]
    per_group = x.value.shape[1] // groups if transposed else w.value.shape[1]
    terms = max(per_group * math.prod(w.value.shape[2:]), 1)
    value = values[0]
    made = product(value, apply, x, w, terms, call.contract)
    if bias is None:
        return [made]
    column = bias.value.reshape(-1, *[1] * (x.value.ndim - 2))
    inner = Enclosed(value - column, made.bound, terms)
    return [added(value, inner, Enclosed(column, bias.bound.reshape(column.shape)))]


@bound_rule("convolution_backward")
def _convolution_backward(call: Applied, values: Values) -> list[Enclosed]:
    """Gradients of the input and the kernel are bilinear, that of the bias is a sum over batch and space."""
    g, x, w = call.args[:3]
    rest, found = call.args[3:], []
    mask, groups = rest[-1], rest[-2]
    kernel, space = math.prod(w.value.shape[2:]), math.prod(g.value.shape[2:])
    for place, value in enumerate(values):
        if not mask[place]:
            found.append(Enclosed.exact(np.zeros(0)))
            continue
        only = [at == place for at in range(3)]

        def apply(*arrays: Array, only: list[bool] = only, place: int = place) -> Array:
            given = (*(Enclosed.exact(one) for one in arrays), *rest[:-1], only)
            outs = Applied(call.func, given, call.kwargs).run(*arrays)
            return outs[place]

        def of_input(a: Array, b: Array, apply: Map = apply) -> Array:
            return apply(a, x.value, b)

        def of_kernel(a: Array, b: Array, apply: Map = apply) -> Array:
            return apply(a, b, w.value)

        if place == 0:
            terms = max(kernel * max(g.value.shape[1] // groups, 1), 1)
            found.append(product(value, of_input, g, w, terms, call.contract))
        elif place == 1:
            terms = max(g.value.shape[0] * max(space, math.prod(x.value.shape[2:])), 1)
            found.append(product(value, of_kernel, g, x, terms, call.contract))
        else:
            axes = (0, *range(2, g.value.ndim))
            terms = max(g.value.shape[0] * space, 1)
            found.append(summed(value, lambda a, axes=axes: a.sum(axis=axes), g, terms))
    return found


@bound_rule("avg_pool2d", "avg_pool3d", "avg_pool2d_backward", "avg_pool3d_backward")
def _average(call: Applied, values: Values) -> list[Enclosed]:
    size = call.given("kernel_size")
    terms = math.prod(size) if len(size) > 1 else size[0] ** int(operation_name(call.func)[8])
    return [summed(values[0], call.only(0), call.operands[0], terms, _COEFFICIENT)]


@bound_rule(
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
)  # fmt: skip
def _adaptive(call: Applied, values: Values) -> list[Enclosed]:
    """Windows of an adaptive pool hold at most two elements more than their share, along each axis."""
    shapes = call.operands[0].value.shape, values[0].shape
    axes = int(operation_name(call.func)[18])
    pairs = list(zip(*(shape[-axes:] for shape in shapes), strict=True))
    terms = math.prod(-(-max(pair) // max(min(pair), 1)) + 2 for pair in pairs)
    return [summed(values[0], call.only(0), call.operands[0], terms, _COEFFICIENT)]


@bound_rule(
    "upsample_nearest1d_backward", "upsample_nearest2d_backward", "upsample_nearest3d_backward",
    "_upsample_nearest_exact1d_backward", "_upsample_nearest_exact2d_backward",
    "_upsample_nearest_exact3d_backward",
    "reflection_pad1d_backward", "reflection_pad2d_backward", "reflection_pad3d_backward",
    "replication_pad1d_backward", "replication_pad2d_backward", "replication_pad3d_backward",
    "unfold_backward", "col2im", "embedding_dense_backward", "max_pool2d_with_indices_backward",
)  # fmt: skip
def _gathered(call: Applied, values: Values) -> list[Enclosed] | None:
    """Sums of gradients, as many as come to one place."""
    g, *others = call.operands
    by_frequency = operation_name(call.func) == "embedding_dense_backward" and bool(call.args[4:5] == (True,))
    if not all(x.decided for x in others if x.value.dtype.kind != "f") or by_frequency:
        return None
    apply = call.only(0)
    terms = int(np.max(apply(np.ones(g.value.shape)), initial=1).round())
    return [summed(values[0], apply, g, terms)]


@bound_rule("index_add", "scatter_add", "index_put", "_index_put_impl", "_unsafe_index_put", "scatter")
def _put(call: Applied, values: Values) -> list[Enclosed] | None:
    """What is put into places takes its bound along; what is added there is a sum."""
    start, *others = call.operands
    updates = next((x for x in reversed(others) if x.value.dtype.kind == "f"), None)
    places = [x for x in others if x is not updates]
    reduces = "reduce" in call.func._schema.overload_name or call.given("alpha", 1) != 1
    if updates is None or reduces or not all(x.decided for x in places):
        return None
    at = call.operands.index(updates) if updates in call.operands else 1
    apply = call.only(0, at)
    if not _adds(call):
        return [Enclosed(values[0], apply(start.bound, np.broadcast_to(updates.bound, updates.value.shape)))]
    counts = apply(np.ones(start.value.shape), np.ones(updates.value.shape))
    own = gamma(int(np.max(counts, initial=1)) + updates.terms + start.terms, FLOAT32)
    bound = apply(start.bound + own * start.reach, updates.bound + own * updates.reach)
    return [Enclosed(values[0], settled(values[0], bound))]


def _adds(call: Applied) -> bool:
    adding: Any = call.given("accumulate", False)
    return operation_name(call.func) in ("index_add", "scatter_add") or bool(adding)


@bound_rule("max_pool2d_with_indices")
def _pooled(call: Applied, values: Values) -> list[Enclosed]:
    """The largest of each window; which it is, is undecided where another comes near."""
    x = call.operands[0]
    found = Enclosed(values[0], monotone(call.only(0), x))
    sizes = [call.given(name) or default for name, default in _WINDOW.items()]
    kernel, steps, edges, spread = (list(size) * (2 // len(size)) for size in sizes)
    steps = list(call.given("stride") or kernel) * (2 // len(call.given("stride") or kernel))
    places = [
        (..., *(slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, n, s in zip(
            at, spread, values[0].shape[-2:], steps, strict=True)))
        for at in np.ndindex(*kernel)
    ]  # fmt: skip
    doubt = undecided_windows(x, places, [(0, 0)] * (x.value.ndim - 2) + [(e, 2 * e + k) for e, k in zip(
        edges, kernel, strict=True)])  # fmt: skip
    return [found, Enclosed(values[1], np.where(doubt, np.inf, 0.0))]
