"""The bounds of aten operations that move, choose and compute element by element.

Sums and products stand in `samestep.agreement.arithmetic.torch.enclosing_sums`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.enclosed_functions import bounded, has_bound
from samestep.agreement.arithmetic.torch.bounded_call import (
    RULES,
    Applied,
    Number,
    Rule,
    Values,
    as_enclosed,
    bound_rule,
)
from samestep.agreement.arithmetic.torch.operation_table import canonical_name, operation_name
from samestep.agreement.arithmetic.worst_case import (
    Enclosed,
    added,
    compared,
    divided,
    either,
    monotone,
    multiplied,
    power,
    rounded,
    selected,
    settled,
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Nothing that they are given goes into their values.
CREATING = _names(
    """empty empty_like empty_strided empty_permuted new_empty new_empty_strided zeros zeros_like ones
    ones_like new_zeros new_ones eye tril_indices triu_indices zero"""
)
_MOVING = _names(
    """alias_copy as_strided_copy as_strided_scatter block_diag cat clone detach_copy diagonal_copy
    diagonal_scatter diagonal_backward embedding expand_copy flip gather im2col index index_copy
    index_select masked_scatter masked_select permute_copy pixel_shuffle pixel_unshuffle channel_shuffle
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d _reshape_copy roll rot90 select_backward select_copy select_scatter
    slice_backward slice_copy slice_scatter split_copy split_with_sizes squeeze_copy stack t_copy take
    transpose_copy tril triu unbind_copy unfold_copy unsafe_split unsafe_split_with_sizes _unsafe_index
    unsqueeze_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d _pack_padded_sequence view_copy constant_pad_nd
    fill full full_like new_full scalar_tensor index_fill"""
)
_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge")
_LOGICAL = _names(
    "logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor any all"
)
#: aten's name -> that of `enclosed_functions`, of what rounds nothing.
_CHOOSING = {
    "relu": "relu", "clamp": "clamp", "clamp_min": "clamp", "clamp_max": "clamp", "hardtanh": "clamp",
    "maximum": "maximum", "minimum": "minimum", "fmax": "maximum", "fmin": "minimum", "abs": "absolute",
    "neg": "negative", "sgn": "sign", "sign": "sign", "floor": "floor", "ceil": "ceil", "round": "round",
    "trunc": "trunc",
}  # fmt: skip
_EXTREMES = ("amax", "amin", "cummax", "cummin", "max", "min", "sort", "topk", "kthvalue", "median")


def rule_of(func: Any, name: str) -> Rule | None:
    """Return the rule of an operation, None where it has none."""
    if name in RULES:
        return RULES[name]
    if name in CREATING:
        return _created
    if name in _MOVING:
        return _moved
    return _elementwise if name in _CHOOSING or has_bound(canonical_name(name)) else None


def _created(call: Applied, values: Values) -> list[Enclosed]:
    return [Enclosed.exact(value) for value in values]


def _moved(call: Applied, values: Values) -> list[Enclosed] | None:
    """Values are moved, by indices and masks that rounding must not reach."""
    first = call.operands[0] if call.operands else None
    data = [x is first or x.value.dtype.kind == "f" for x in call.operands]
    if not all(x.decided for x, moves in zip(call.operands, data, strict=True) if not moves):
        return None
    if all(x.decided for x in call.operands):
        return _created(call, values)
    bounds = call.run(*[x.bound if moves else x.value for x, moves in zip(call.operands, data, strict=True)])
    terms, floats = max(x.terms for x in call.operands), any(value.dtype.kind == "f" for value in values)
    return [
        Enclosed(value, bound, terms) if value.dtype.kind == "f" or not floats else Enclosed.exact(value)
        for value, bound in zip(values, bounds, strict=True)
    ]


def _elementwise(call: Applied, values: Values) -> list[Enclosed]:
    name = operation_name(call.func)
    known = _CHOOSING.get(name) or canonical_name(name)
    if values[0].dtype.kind != "f":
        return [either(values[0], *call.operands)]
    apply = call.only(*range(len(call.operands)))
    return [bounded(known, values[0], apply, *(_plain(x) for x in call.operands))]


def _plain(x: Enclosed) -> Enclosed:
    """The same in float64, where it is a mask or an integer."""
    return x if x.value.dtype.kind == "f" else Enclosed.converted(x)


@bound_rule("_to_copy", "copy")
def _converted(call: Applied, values: Values) -> list[Enclosed]:
    """What becomes an integer or a bool is undecided where it moves at all."""
    x, value = call.operands[-1], values[0]
    if value.dtype.kind == "f" or x.value.dtype.kind != "f":
        moved = _plain(x) if value.dtype.kind == "f" else x
        return [Enclosed(value, np.broadcast_to(moved.bound, value.shape), x.terms)]
    return [Enclosed(value, np.broadcast_to(np.where(x.bound > 0, np.inf, 0.0), value.shape))]


@bound_rule("add", "sub")
def _add(call: Applied, values: Values) -> list[Enclosed]:
    a, b = map(as_enclosed, call.args[:2])
    if values[0].dtype.kind != "f":
        return [either(values[0], a, b)]
    alpha = call.given("alpha", 1)
    if isinstance(alpha, Enclosed) or alpha not in (1, -1):
        scale = as_enclosed(alpha)
        b = multiplied(b.value * scale.value, b, scale)
    return [added(values[0], _plain(a), _plain(b))]


@bound_rule("mul", "div")
def _scaled(call: Applied, values: Values) -> list[Enclosed] | None:
    a, b = map(as_enclosed, call.args[:2])
    if values[0].dtype.kind != "f" or call.given("rounding_mode") is not None:
        return [either(values[0], a, b)]
    rule = multiplied if operation_name(call.func) == "mul" else divided
    return [rule(values[0], _plain(a), _plain(b))]


@bound_rule("pow")
def _pow(call: Applied, values: Values) -> list[Enclosed] | None:
    x, exponent = call.args[:2]
    base = x.value if isinstance(x, Number) and x.decided else x
    if not isinstance(base, Enclosed):  # a number to the power of a tensor
        if base <= 0:
            return None
        made = monotone(call.only(len(call.operands) - 1), exponent)
        return [Enclosed(values[0], rounded(values[0], made, ELEMENTWISE_UNITS["power"]))]
    if isinstance(exponent, Enclosed):
        if exponent.value.size != 1:
            return None
        exponent = float(exponent.value)
    return [power(values[0], _plain(x), float(exponent))]


@bound_rule("lerp", "addcmul", "addcdiv")
def _composed(call: Applied, values: Values) -> list[Enclosed]:
    """a + w (b - a), or x + value a b: as the operations that they are made of."""
    x, a, b = map(as_enclosed, call.args[:3])
    name, scale = operation_name(call.func), call.given("value", 1)
    if name == "lerp":
        gap = added(a.value - x.value, x, a)
        term = multiplied(gap.value * b.value, gap, b)
    else:
        made = np.divide(a.value, b.value) if name == "addcdiv" else a.value * b.value
        term = (divided if name == "addcdiv" else multiplied)(made, a, b)
        scale = as_enclosed(scale)
        term = multiplied(term.value * scale.value, term, scale)
    return [added(values[0], x, term)]


@bound_rule(*_COMPARING)
def _comparison(call: Applied, values: Values) -> list[Enclosed]:
    a, b = map(as_enclosed, call.args[:2])
    return [compared(values[0], a, b)]


@bound_rule(*_LOGICAL, "isnan", "isinf", "isfinite")
def _logic(call: Applied, values: Values) -> list[Enclosed]:
    if all(x.decided for x in call.operands):
        return _created(call, values)
    if operation_name(call.func) in ("any", "all"):
        return [Enclosed(values[0], np.full(values[0].shape, np.inf))]
    if operation_name(call.func).startswith("is"):
        return [Enclosed(values[0], np.where(np.isfinite(call.operands[0].bound), 0.0, np.inf))]
    return [either(values[0], *call.operands)]


@bound_rule("where", "masked_fill")
def _select(call: Applied, values: Values) -> list[Enclosed] | None:
    if len(call.args) != 3:
        return None
    first, second, third = map(as_enclosed, call.args)
    if operation_name(call.func) == "where":
        return [selected(values[0], first, second, third)]
    return [selected(values[0], second, third, first)]


@bound_rule(
    "threshold_backward", "hardtanh_backward", "hardshrink", "hardshrink_backward", "softshrink_backward"
)
def _gate(call: Applied, values: Values) -> list[Enclosed]:
    """What passes where an operand is beyond an edge (between two, or beyond both), 0 elsewhere."""
    given = [*map(as_enclosed, call.args)]
    passes, x, *edges = given if operation_name(call.func).endswith("_backward") else [given[0], *given]
    if "shrink" in operation_name(call.func):
        edges = edges or [Enclosed.exact(np.asarray(0.5))]  # the default of its schema
        edges = [*edges, Enclosed(-edges[0].value, edges[0].bound)]
    doubt = [compared(x.value > edge.value, x, edge).bound for edge in edges]
    gate = Enclosed(values[0] == passes.value, np.max(np.broadcast_arrays(*doubt), axis=0))
    return [selected(values[0], gate, passes, Enclosed.exact(np.zeros(())))]


@bound_rule(*_EXTREMES)
def _extreme(call: Applied, values: Values) -> list[Enclosed] | None:
    """Each result is one of the operand's elements, and grows with each; which one is left undecided."""
    operands = call.operands
    if len(operands) == 2:  # max and min of two tensors
        return [bounded("maximum", values[0], call.only(0, 1), *operands)]
    found = Enclosed(values[0], monotone(call.only(0), operands[0]))
    if len(values) == 1:
        return [found]
    if operands[0].decided:
        return _created(call, values)
    return [found, Enclosed(values[1], np.full(values[1].shape, np.inf))]


@bound_rule("argmax", "argmin")
def _index(call: Applied, values: Values) -> list[Enclosed]:
    return [Enclosed(values[0], np.full(values[0].shape, 0.0 if call.operands[0].decided else np.inf))]


@bound_rule("arange", "linspace")
def _sequence(call: Applied, values: Values) -> list[Enclosed]:
    """start + i step: three roundings of the largest; none where float32 holds all."""
    value = values[0]
    if value.dtype.kind != "f" or np.array_equal(value.astype(np.float32), value):
        return [Enclosed.exact(value)]
    most = np.full(value.shape, np.abs(value).max())
    return [Enclosed(value, settled(value, rounded(most, np.zeros(value.shape), 3.0)))]
