"""The bound of each primitive, by the formulas of `samestep.agreement.arithmetic.worst_case`.

A rule takes the step, the results' values, and the operands with their bounds; None is returned where it does
not know what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.enclosed_functions import bounded, has_bound
from samestep.agreement.arithmetic.jaxpr import windows
from samestep.agreement.arithmetic.jaxpr.binding import is_float
from samestep.agreement.arithmetic.jaxpr.operation import Origin
from samestep.agreement.arithmetic.jaxpr.primitives import ELEMENTWISE
from samestep.agreement.arithmetic.program import Contract
from samestep.agreement.arithmetic.worst_case import (
    FLOAT32,
    Array,
    Enclosed,
    compared,
    either,
    monotone,
    power,
    product,
    selected,
    settled,
    summed,
    undecided_windows,
)
from samestep.agreement.limits import gamma

Values = Sequence[Array]
Operands = Sequence[Enclosed]
Rule = Callable[[Any, Values, Operands, Contract], list[Enclosed] | None]

#: Values are moved, by indices that rounding must not reach: how many of the first operands are values.
_ALL_MOVED = """
    reshape transpose broadcast_in_dim squeeze expand_dims slice concatenate pad rev copy copy_p split
    stop_gradient device_put sharding_constraint mesh_cast unstack stack tile pvary pbroadcast reshard name
    samestep_tag samestep_tag_tangent optimization_barrier psum psum_invariant pmax pmin
"""
_MOVING = {
    **dict.fromkeys(_ALL_MOVED.split(), None), "dynamic_slice": 1, "gather": 1, "dynamic_update_slice": 2,
}  # fmt: skip
#: Primitive -> its name among the elementwise operations, beside those that round.
_CHOOSING = {
    "neg": "negative", "abs": "absolute", "sign": "sign", "max": "maximum", "min": "minimum",
    "clamp": "clamp", "floor": "floor", "ceil": "ceil", "round": "round",
}  # fmt: skip
_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge")
_LOGICAL = ("and", "or", "not", "xor")
#: Each result is one of the operand's elements, and grows with each of them.
_EXTREMES = ("reduce_max", "reduce_min", "reduce_window_max", "reduce_window_min", "cummax", "cummin")


def rule_of(origin: Origin) -> Rule | None:
    """Return the rule of a primitive, None where it has none."""
    name = origin.name
    if name in _MOVING:
        return _moved
    if name in _CHOOSING or has_bound(ELEMENTWISE.get(name, "")):
        return _elementwise
    return _RULES.get(name)


def _moved(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed] | None:
    count = _MOVING[step.origin.name] or len(operands)
    data, places = operands[:count], operands[count:]
    if not all(x.decided for x in places):
        return None
    bounds = step.kernel(*[x.bound for x in data], *[x.value for x in places])
    many = isinstance(bounds, (list, tuple))
    terms = max(x.terms for x in data)
    return [
        Enclosed(value, np.asarray(bound), terms)
        for value, bound in zip(values, bounds if many else [bounds], strict=True)
    ]


def _elementwise(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    name = step.origin.name
    known = _CHOOSING.get(name) or ELEMENTWISE[name]
    return [bounded(known, np.asarray(values[0]), step.kernel, *operands)]


def _comparison(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    return [compared(values[0], *operands)]


def _logic(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    return [either(values[0], *operands)]


def _select(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed] | None:
    which, *cases = operands
    if len(cases) != 2 or which.value.dtype != bool:
        return None
    return [selected(values[0], which, cases[1], cases[0])]


def _finite(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    return [Enclosed(values[0], np.where(np.isfinite(operands[0].bound), 0.0, 1.0))]


def _extreme(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    return [Enclosed(values[0], monotone(step.kernel, operands[0]))]


def _index(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    """Which element is the largest: undecided where another may be."""
    (x,), (axis,) = operands, step.origin.equation.params["axes"]
    sign = 1 if step.origin.name == "argmax" else -1
    best = np.expand_dims(values[0].astype(np.int64), axis)
    edge = np.take_along_axis(sign * x.value - x.bound, best, axis)
    ties = (sign * x.value + x.bound >= edge) & (
        (x.bound > 0) | (np.take_along_axis(x.bound, best, axis) > 0)
    )
    rivals = ties.sum(axis) - np.take_along_axis(ties, best, axis).squeeze(axis)
    return [Enclosed(values[0], np.where(rivals > 0, np.inf, 0.0))]


def _convert(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    x = operands[0]
    if is_float(step.origin.equation.invars[0].aval.dtype) and values[0].dtype.kind in "iu":
        return [Enclosed(values[0], monotone(np.trunc, x))]
    if x.value.dtype.kind in "iu" and values[0].dtype.kind == "f":
        return [Enclosed.converted(x)]
    return [Enclosed(values[0], x.bound, x.terms)]


def _power(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed] | None:
    exponent: Any = step.origin.equation.params.get("y")
    if exponent is None:
        given = operands[1]
        if not given.decided or given.value.size == 0 or np.ptp(given.value):
            return None
        exponent = given.value.flat[0]
    return [power(values[0], operands[0], float(exponent))]


def _sum(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    params, (x,) = step.origin.equation.params, operands
    if "axes" in params:
        terms = math.prod(x.value.shape[d] for d in params["axes"])
    else:
        terms = x.value.shape[params["axis"]]
    return [summed(values[0], step.kernel, x, max(terms, 1))]


def _window_sum(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed]:
    terms = math.prod(step.origin.equation.params["window_dimensions"])
    return [summed(values[0], step.kernel, operands[0], terms)]


def _dot(step: Any, values: Values, operands: Operands, contract: Contract) -> list[Enclosed]:
    a, b = operands
    (left, _), _ = step.origin.equation.params["dimension_numbers"]
    terms = math.prod(a.value.shape[d] for d in left)
    return [product(values[0], step.kernel, a, b, max(terms, 1), contract)]


def _convolution(step: Any, values: Values, operands: Operands, contract: Contract) -> list[Enclosed]:
    a, b = operands
    counts = step.kernel(np.ones(a.value.shape), np.ones(b.value.shape))
    terms = int(np.max(counts, initial=1).round())
    return [product(values[0], step.kernel, a, b, terms, contract)]


def _scatter(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed] | None:
    """What is put in a place takes its bound along; what is added there is a sum."""
    a, where, updates = operands
    if not where.decided:
        return None
    if step.origin.name == "scatter":
        return [Enclosed(values[0], step.kernel(a.bound, where.value, updates.bound))]
    counts = step.kernel(np.ones(a.value.shape), where.value, np.ones(updates.value.shape))
    own = gamma(int(np.max(counts, initial=1)) + updates.terms, FLOAT32)
    bound = step.kernel(a.bound + own * a.reach, where.value, updates.bound + own * updates.reach)
    return [Enclosed(values[0], settled(values[0], bound))]


def _pool_gradient(step: Any, values: Values, operands: Operands, _: Contract) -> list[Enclosed] | None:
    """Each share goes to the largest element of its window; where that is undecided, it may go to any."""
    source, x = operands
    params = step.origin.equation.params
    if params["select_prim"].name != "ge":
        return None
    places = windows.offsets(params, x.value.shape)[1]
    doubt = undecided_windows(x, places, params["padding"])
    everywhere = np.zeros([n + lo + hi for n, (lo, hi) in zip(x.value.shape, params["padding"], strict=True)])
    for place in places:
        everywhere[place] += np.where(doubt, source.reach, 0.0)
    inside = tuple(slice(lo, lo + n) for (lo, _), n in zip(params["padding"], x.value.shape, strict=True))
    own = gamma(len(places), FLOAT32)
    bound = step.kernel(source.bound + own * source.reach, x.value) + everywhere[inside]
    return [Enclosed(values[0], settled(values[0], bound), len(places))]


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_COMPARING, _comparison), **dict.fromkeys(_LOGICAL, _logic),
    **dict.fromkeys(_EXTREMES, _extreme), **dict.fromkeys(("argmax", "argmin"), _index),
    **dict.fromkeys(("pow", "integer_pow"), _power), **dict.fromkeys(("reduce_sum", "cumsum"), _sum),
    **dict.fromkeys(("scatter", "scatter-add", "scatter_add"), _scatter),
    "select_n": _select, "is_finite": _finite, "convert_element_type": _convert,
    "reduce_window_sum": _window_sum, "dot_general": _dot, "conv_general_dilated": _convolution,
    "select_and_scatter_add": _pool_gradient,
}  # fmt: skip
