"""From a jaxpr to a block: calls are inlined, every variable gets a slot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend import core

from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_float, lifted
from samestep.agreement.arithmetic.jaxpr.block import Block, Placed, Step, placed
from samestep.agreement.arithmetic.jaxpr.collectives import is_grouped, mapped_axes, reduction
from samestep.agreement.arithmetic.jaxpr.complex_numbers import has_complex_rule
from samestep.agreement.arithmetic.jaxpr.control import Cond, Scan, While
from samestep.agreement.arithmetic.jaxpr.numbers import ConstantStep, number_step
from samestep.agreement.arithmetic.jaxpr.operation import Origin
from samestep.agreement.arithmetic.jaxpr.perturbed import RULES as PERTURBED
from samestep.agreement.arithmetic.jaxpr.perturbed import Perturbed
from samestep.agreement.arithmetic.jaxpr.primitives import CALLS, EXACT, REFUSED, SKIPPED
from samestep.agreement.arithmetic.jaxpr.steps import (
    Moved,
    OwnBits,
    Product,
    Refusal,
    Rounded,
    ToInteger,
)
from samestep.agreement.arithmetic.jaxpr.widths import has_rule


class Builder:
    """Builds one block."""

    def __init__(self, callers: Sequence[Any] = ()) -> None:
        self.callers = list(callers)
        self.steps: list[Placed] = []
        self.fixed: dict[int, Any] = {}
        self.size = 0

    def slot(self) -> int:
        """Return a new slot."""
        self.size += 1
        return self.size - 1

    def build(self, jaxpr: Any, constants: Sequence[Any]) -> Block:
        """Return the block of a jaxpr."""
        inputs = [self.slot() for _ in jaxpr.invars]
        outputs = self.inline(jaxpr, constants, inputs)
        return Block(placed(self.steps, outputs), self.size, tuple(inputs), tuple(outputs), self.fixed)

    def inline(self, jaxpr: Any, constants: Sequence[Any], inputs: Sequence[int]) -> list[int]:
        """Add the steps of a jaxpr on these slots; return the slots of its results."""
        slots = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, constant in zip(jaxpr.constvars, constants, strict=True):
            slots[variable] = self._constant(constant, variable.aval.dtype)
        for equation in jaxpr.eqns:
            divides = equation.primitive.name == "div"
            reads = [self._read(atom, slots, divides and i == 1) for i, atom in enumerate(equation.invars)]
            slots.update(zip(equation.outvars, self.add(equation, reads), strict=True))
        return [self._read(atom, slots) for atom in jaxpr.outvars]

    def _read(self, atom: Any, slots: dict[Any, int], divisor: bool = False) -> int:
        if not isinstance(atom, core.Literal):
            return slots[atom]
        return self._number(np.asarray(atom.val, atom.aval.dtype), atom.aval.dtype, divisor)

    def _number(self, value: Any, dtype: Any, divisor: bool = False) -> int:
        step, slot = number_step(value, dtype, divisor), self.slot()
        if step is None:
            self.fixed[slot] = lifted(value)
        else:
            self.steps.append(Placed(step, (), (slot,)))
        return slot

    def _constant(self, constant: Any, dtype: Any) -> int:
        if np.ndim(constant) == 0 and (is_float(dtype) or is_complex(dtype)):
            return self._number(np.asarray(constant, dtype), dtype)
        slot = self.slot()
        self.steps.append(Placed(ConstantStep(constant, dtype), (), (slot,)))
        return slot

    def add(self, equation: Any, reads: Sequence[int]) -> list[int]:
        """Add an equation; return the slots of its results."""
        name = equation.primitive.name
        if name in SKIPPED:
            return []
        if name in CALLS and not _on_devices(equation):
            return self._call(equation, reads)
        if name == "custom_linear_solve":
            return self._linear_solve(equation, reads)
        if mapped_axes(equation) and not is_grouped(equation):
            return self.inline(*opened(reduction(equation)), reads)
        writes = [self.slot() for _ in equation.outvars]
        self.steps.append(Placed(self._step(equation), tuple(reads), tuple(writes)))
        return writes

    def _call(self, equation: Any, reads: Sequence[int]) -> list[int]:
        inner = equation.params[CALLS[equation.primitive.name]]
        self.callers.append(equation)
        slots = self.inline(*opened(inner), reads)
        self.callers.pop()
        return slots

    def _linear_solve(self, equation: Any, reads: Sequence[int]) -> list[int]:
        """What a custom solution computes: its ``solve``, of its own constants and the right sides."""
        jaxprs, counts = equation.params["jaxprs"], equation.params["const_lengths"]
        first = counts.matvec + counts.vecmat
        constants = reads[first : first + counts.solve]
        self.callers.append(equation)
        slots = self.inline(*opened(jaxprs.solve), [*constants, *reads[sum(counts) :]])
        self.callers.pop()
        return slots

    def _step(self, equation: Any) -> Step:
        name, params = equation.primitive.name, equation.params
        origin = Origin(equation, tuple(self.callers))
        inside = (*self.callers, equation)
        if name == "scan":
            return Scan(origin, block_of(params["jaxpr"], inside))
        if name == "while":
            return While(
                origin, block_of(params["cond_jaxpr"], inside), block_of(params["body_jaxpr"], inside)
            )
        if name == "cond":
            return Cond(origin, [block_of(branch, inside) for branch in params["branches"]])
        return primitive_step(origin)


def block_of(jaxpr: Any, callers: Sequence[Any] = ()) -> Block:
    """Return the block of a jaxpr, closed or not, that these equations call."""
    return Builder(callers).build(*opened(jaxpr))


def opened(jaxpr: Any) -> tuple[Any, Sequence[Any]]:
    """Return a jaxpr and its constants, whether it is closed or not."""
    return (jaxpr.jaxpr, jaxpr.consts) if isinstance(jaxpr, core.ClosedJaxpr) else (jaxpr, ())


def _on_devices(equation: Any) -> bool:
    """Whether an equation is spread over several devices."""
    mesh = equation.params.get("mesh") if equation.primitive.name == "shard_map" else None
    return mesh is not None and math.prod(mesh.shape.values()) > 1


def primitive_step(origin: Origin) -> Step:
    """Return the step of a primitive without blocks of its own."""
    equation, name = origin.equation, origin.name
    dtypes = [v.aval.dtype for v in (*equation.invars, *equation.outvars)]
    if name in REFUSED:
        return Refusal(origin, REFUSED[name])
    if is_grouped(equation):
        return Refusal(origin, "it reduces groups of an axis")
    if _on_devices(equation):
        return Refusal(origin, "it runs on several devices")
    if name in ("bitcast_convert_type", "nextafter"):
        return OwnBits(origin)
    if any(map(is_complex, dtypes)):
        return _complex_step(origin)
    if name in PERTURBED:
        return Perturbed(origin)
    if name == "convert_element_type" and is_float(dtypes[0]) and np.issubdtype(dtypes[-1], np.integer):
        return ToInteger(origin)
    if name in ("dot_general", "conv_general_dilated") and is_float(dtypes[-1]):
        return Product(origin)
    if name in EXACT:
        return Moved(origin)
    if not has_rule(name):
        return Refusal(origin, "there is no rule for it")
    return Rounded(origin) if is_float(dtypes[-1]) else Moved(origin)


def _complex_step(origin: Origin) -> Step:
    """The step of a primitive that takes or gives complex numbers."""
    rounds = origin.name in ("abs", "sign") or origin.name not in (*EXACT, "convert_element_type")
    if rounds and not has_complex_rule(origin.name):
        return Refusal(origin, "complex numbers have no rule in it")
    return Rounded(origin) if rounds else Moved(origin)
