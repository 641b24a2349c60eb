"""A block run once on values with bounds: how far correct float32 code can be from its exact results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_key, listed
from samestep.agreement.arithmetic.jaxpr.block import Block, Step
from samestep.agreement.arithmetic.jaxpr.control import Cond, Scan, While, stacked
from samestep.agreement.arithmetic.jaxpr.enclosing_rules import rule_of
from samestep.agreement.arithmetic.jaxpr.numbers import ConstantStep, LiteralStep
from samestep.agreement.arithmetic.jaxpr.operation import Origin
from samestep.agreement.arithmetic.jaxpr.perturbed import Perturbed
from samestep.agreement.arithmetic.jaxpr.rounding import joined, roundoff
from samestep.agreement.arithmetic.jaxpr.steps import Moved, Product, Rounded
from samestep.agreement.arithmetic.program import Contract, Refused, constant_digest
from samestep.agreement.arithmetic.worst_case import FLOAT32, Enclosed, first_unknown

Results = list[Enclosed]


def enclosed_input(value: Any, rounded: frozenset[str]) -> Enclosed:
    """Return what a program is given: exact, or rounded once where its digest is among ``rounded``."""
    if is_key(value) or not rounded or value.dtype.kind != "f" or constant_digest(value) not in rounded:
        return Enclosed.exact(value)
    return Enclosed.rounded_once(value)


def enclosed_block(block: Block, inputs: Sequence[Enclosed], contract: Contract) -> Results:
    """Return the results of a block with their bounds. Raises `Refused` for what the engine refuses."""
    values: list[Any] = [None] * block.size
    for slot, fixed in block.fixed.items():
        values[slot] = Enclosed.exact(fixed)
    for slot, value in zip(block.inputs, inputs, strict=True):
        values[slot] = value
    for at in block.steps:
        results = _step(at.step, [values[slot] for slot in at.reads], contract)
        for slot, result in zip(at.writes, results, strict=True):
            values[slot] = result
        for slot in at.frees:
            values[slot] = None
    return [values[slot] for slot in block.outputs]


def _step(step: Step, operands: Results, contract: Contract) -> Results:
    if isinstance(step, LiteralStep):
        return [Enclosed.rounded_once(np.asarray(step.value))]
    if isinstance(step, ConstantStep):
        if step.parts:
            return [Enclosed.without_rule(joined(step.value), "a complex constant")]
        moves = step.own is not None and bool(step.moves.any())
        return [Enclosed.rounded_once(step.value) if moves else Enclosed.exact(step.value)]
    if isinstance(step, Scan):
        return _scan(step, operands, contract)
    if isinstance(step, While):
        return _while(step, operands, contract)
    if isinstance(step, Cond):
        return _cond(step, operands, contract)
    if isinstance(step, Perturbed):
        values = step.kernel(*[x.value for x in operands])
        return [Enclosed.without_rule(value, _named(step.origin)) for value in listed(values)]
    if isinstance(step, (Moved, Rounded)):
        return _primitive(step, operands, contract)
    raise Refused(f"{type(step).__name__} has no bound")


def _primitive(step: Moved | Rounded, operands: Results, contract: Contract) -> Results:
    """One primitive: exact of operands that are; else by its rule, or without one."""
    out = step.kernel(*[x.value for x in operands])
    values = list(listed(out))
    unknown = first_unknown(*operands)
    if unknown:
        return [Enclosed.without_rule(value, unknown) for value in values]
    if not isinstance(step, Rounded) and all(is_key(x.value) or x.decided for x in operands):
        return [Enclosed.exact(value) for value in values]
    rule = None if isinstance(step, Rounded) and _is_narrow(step) else rule_of(step.origin)
    arithmetic = contract if isinstance(step, Product) else Contract.FLOAT32
    found = None if rule is None else rule(step, values, operands, arithmetic)
    return found or [Enclosed.without_rule(value, _named(step.origin)) for value in values]


def _is_narrow(step: Rounded) -> bool:
    """Whether a result is not in float32, for which no bound is made: in another dtype, or complex."""
    dtypes = [variable.aval.dtype for variable in step.origin.equation.invars]
    return step.operation.u != roundoff(FLOAT32) or any(map(is_complex, [step.operation.dtype, *dtypes]))


def _named(origin: Origin) -> str:
    dtype = origin.equation.outvars[0].aval.dtype
    other = f" in {dtype}" if dtype in ("bfloat16", "float16", "float64") else ""
    return f"{origin.name}{other} at {origin.place}"


def _scan(scan: Scan, operands: Results, contract: Contract) -> Results:
    constants, carry, rows = scan.parts(operands)
    results: dict[int, Results] = {}
    for turn in scan.turns:
        entering = [Enclosed(x.value[turn], x.bound[turn], unknown=x.unknown) for x in rows]
        outs = enclosed_block(scan.body, [*constants, *carry, *entering], contract)
        carry, results[turn] = outs[: scan.carried], outs[scan.carried :]
    if not results:
        return [*carry, *(Enclosed.exact(scan.empty(index)) for index in range(len(scan.avals)))]
    columns = zip(*(results[turn] for turn in sorted(results)), strict=True)
    return [*carry, *(_stacked(column) for column in columns)]


def _stacked(column: Sequence[Enclosed]) -> Enclosed:
    bounds = np.stack([x.bound for x in column])
    return Enclosed(stacked([x.value for x in column]), bounds, unknown=first_unknown(*column))


def _while(loop: While, operands: Results, contract: Contract) -> Results:
    of_condition, of_body, carry = loop.parts(operands)
    while True:
        (goes_on,) = enclosed_block(loop.condition, [*of_condition, *carry], contract)
        if not goes_on.decided or np.ndim(goes_on.value):
            return [Enclosed.without_rule(x.value, _named(loop.origin)) for x in carry]
        if not bool(goes_on.value):
            return list(carry)
        carry = enclosed_block(loop.body, [*of_body, *carry], contract)


def _cond(cond: Cond, operands: Results, contract: Contract) -> Results:
    index, *rest = operands
    taken = enclosed_block(cond.branches[cond.index(index.value)], rest, contract)
    if index.decided:
        return taken
    return [Enclosed.without_rule(x.value, _named(cond.origin)) for x in taken]
