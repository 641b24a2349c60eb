"""A jaxpr as a list of steps on numbered slots: calls are inlined, loops and branches hold blocks.

A block is run the first time with `first`, which computes exactly, sees what depends on anything that rounds,
and records how each result rounds: a `Visit`. What rounding does not reach is kept there. `again` then runs
only the rest: with errors it is a replica, without it an exact run with other literals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from samestep.agreement.arithmetic.jaxpr.state import Run, Taint

Values = list[Any]


class Step(Protocol):
    """One operation."""

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> tuple[Values, list[Taint], Any]:
        """Return the results, their taints, and the record for `again`."""
        ...

    def again(self, run: Run, operands: Values, record: Any) -> Values:
        """Return the results of a replica, or of an exact run with other literals."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A step, the slots that it reads and writes, and those that nobody reads after it."""

    step: Step
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    frees: tuple[int, ...] = ()


@dataclass(frozen=True)
class Block:
    """Steps in order; ``fixed`` holds what every run starts with (numbers that any dtype holds)."""

    steps: tuple[Placed, ...]
    size: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    fixed: dict[int, Any]


@dataclass
class Visit:
    """What one run of a block left for the next ones: the steps to run again, and all that stays."""

    block: Block
    template: Values
    actions: list[tuple[Placed, Any]] = field(default_factory=list)


def placed(steps: Sequence[Placed], outputs: Sequence[int]) -> tuple[Placed, ...]:
    """Return the steps with the slots that each frees: read or written there last, and no output."""
    last: dict[int, int] = {}
    for index, step in enumerate(steps):
        last.update(dict.fromkeys((*step.reads, *step.writes), index))
    frees: list[list[int]] = [[] for _ in steps]
    for slot, index in last.items():
        if slot not in outputs:
            frees[index].append(slot)
    return tuple(
        Placed(step.step, step.reads, step.writes, tuple(own)) for step, own in zip(steps, frees, strict=True)
    )


def first(
    block: Block, inputs: Values, taints: Sequence[Taint], run: Run
) -> tuple[Values, list[Taint], Visit]:
    """Run a block for the first time; return its results, their taints, and the visit."""
    values: Values = [None] * block.size
    reached: list[Taint] = [None] * block.size
    for slot, value, taint in zip(block.inputs, inputs, taints, strict=True):
        values[slot], reached[slot] = value, taint
    for slot, value in block.fixed.items():
        values[slot] = value
    visit = Visit(block, [])
    kept: dict[int, Any] = dict(block.fixed)
    for at in block.steps:
        operands, above = [values[s] for s in at.reads], [reached[s] for s in at.reads]
        results, below, record = at.step.first(run, operands, above)
        stays = not any(below)
        if not stays:
            visit.actions.append((at, record))
        for slot, value, taint in zip(at.writes, results, below, strict=True):
            values[slot], reached[slot] = value, taint
            if stays:
                kept[slot] = value
        for slot in at.frees:
            values[slot] = None
    _settle(visit, kept)
    return [values[s] for s in block.outputs], [reached[s] for s in block.outputs], visit


def _settle(visit: Visit, kept: dict[int, Any]) -> None:
    """Keep only what is read again, and free the rest anew."""
    block = visit.block
    steps = placed([at for at, _ in visit.actions], (*block.outputs, *kept))
    visit.actions = [(at, record) for at, (_, record) in zip(steps, visit.actions, strict=True)]
    read = {*block.outputs, *(slot for at in steps for slot in at.reads)}
    visit.template = [kept[s] if s in kept and s in read else None for s in range(block.size)]


def again(visit: Visit, inputs: Values, run: Run) -> Values:
    """Run the block of a visit again; return its results."""
    values = visit.template.copy()
    for slot, value in zip(visit.block.inputs, inputs, strict=True):
        values[slot] = value
    for at, record in visit.actions:
        results = at.step.again(run, [values[s] for s in at.reads], record)
        for slot, value in zip(at.writes, results):  # noqa: B905 (the innermost loop of a replica)
            values[slot] = value
        for slot in at.frees:
            values[slot] = None
    return [values[s] for s in visit.block.outputs]
