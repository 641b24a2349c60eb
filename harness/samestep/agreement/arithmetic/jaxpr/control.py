"""Loops and branches: each turn of a loop has a visit of its own, and may take another path in a replica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import is_float, is_key
from samestep.agreement.arithmetic.jaxpr.block import Block, Visit, again, first
from samestep.agreement.arithmetic.jaxpr.operation import Origin
from samestep.agreement.arithmetic.jaxpr.state import Run, Taint, longest

Values = list[Any]
First = tuple[Values, list[Taint], Any]


def stacked(rows: Sequence[Any]) -> Any:
    """Return values of all turns along a new first axis."""
    return jnp.stack(rows) if is_key(rows[0]) else np.stack(rows)


def tainted_alike(one: Sequence[Taint], other: Sequence[Taint]) -> list[Taint]:
    """Return the taint of each value after either way."""
    return [longest(a, b) for a, b in zip(one, other, strict=True)]


class Scan:
    """`lax.scan`, in either direction."""

    def __init__(self, origin: Origin, body: Block) -> None:
        params = origin.equation.params
        self.body, self.constants, self.carried = body, params["num_consts"], params["num_carry"]
        length = params["length"]
        self.turns = range(length - 1, -1, -1) if params["reverse"] else range(length)
        self.avals = [v.aval for v in origin.equation.outvars[self.carried :]]

    def parts(self, operands: Sequence[Any]) -> tuple[Values, Values, Values]:
        """Return what is the same in all turns, what is carried on, and what has a row for each turn."""
        split = self.constants + self.carried
        return (
            list(operands[: self.constants]),
            list(operands[self.constants : split]),
            list(operands[split:]),
        )

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the last carry and all turns' results, and the visits of the turns."""
        constants, carry, rows = self.parts(operands)
        held, carried, entering = self.parts(taints)
        visits, results = [], {}
        leaving: list[Taint] = [None] * len(self.avals)
        for turn in self.turns:
            inputs = [*constants, *carry, *(x[turn] for x in rows)]
            outs, below, visit = first(self.body, inputs, [*held, *carried, *entering], run)
            carry, results[turn] = outs[: self.carried], outs[self.carried :]
            carried = below[: self.carried]
            leaving = tainted_alike(leaving, below[self.carried :])
            visits.append(visit)
        return [*carry, *self._stacked(results)], [*carried, *leaving], visits

    def again(self, run: Run, operands: Values, record: list[Visit]) -> Values:
        """Return the same of a replica."""
        constants, carry, rows = self.parts(operands)
        results = {}
        for turn, visit in zip(self.turns, record, strict=True):
            outs = again(visit, [*constants, *carry, *(x[turn] for x in rows)], run)
            carry, results[turn] = outs[: self.carried], outs[self.carried :]
        return [*carry, *self._stacked(results)]

    def _stacked(self, results: dict[int, Values]) -> Values:
        if results:
            return [
                stacked(column) for column in zip(*(results[turn] for turn in sorted(results)), strict=True)
            ]
        return [self.empty(index) for index in range(len(self.avals))]

    def empty(self, index: int) -> Any:
        """Return a result of no turn."""
        aval = self.avals[index]
        return np.zeros(aval.shape, np.float64 if is_float(aval.dtype) else aval.dtype)


@dataclass
class Turns:
    """The visits of a while loop: one of the condition more than of the body."""

    conditions: list[Visit]
    bodies: list[Visit]


class While:
    """`lax.while_loop`; how often it runs may differ between replicas, which is a finding."""

    def __init__(self, origin: Origin, condition: Block, body: Block) -> None:
        self.origin, self.condition, self.body = origin, condition, body
        self.split = (origin.equation.params["cond_nconsts"], origin.equation.params["body_nconsts"])

    def parts(self, operands: Sequence[Any]) -> tuple[Values, Values, Values]:
        """Return what the condition is given besides the carry, what the body is, and the carry."""
        a, b = self.split
        return list(operands[:a]), list(operands[a : a + b]), list(operands[a + b :])

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the last carry, and the visits of all turns."""
        of_condition, of_body, carry = self.parts(operands)
        above, inside, carried = self.parts(taints)
        turns = Turns([], [])
        while True:
            (goes_on,), (decided,), visit = first(
                self.condition, [*of_condition, *carry], [*above, *carried], run
            )
            turns.conditions.append(visit)
            if decided is not None:  # how often the body runs depends on what rounds
                carried = [longest(taint, decided) for taint in carried]
            if not np.any(goes_on):
                break
            new, carried, visit = first(self.body, [*of_body, *carry], [*inside, *carried], run)
            carry = _going_on(goes_on, new, carry)
            turns.bodies.append(visit)
        return carry, carried, turns

    def again(self, run: Run, operands: Values, record: Turns) -> Values:
        """Return the last carry; turns that the first run did not have are interpreted."""
        of_condition, of_body, carry = self.parts(operands)
        count = 0
        while True:
            known = count < len(record.conditions)
            condition = [*of_condition, *carry]
            (goes_on,) = again(record.conditions[count], condition, run) if known else anew(
                self.condition, condition, run)  # fmt: skip
            if not np.any(goes_on):
                break
            body = [*of_body, *carry]
            known = count < len(record.bodies)
            new = again(record.bodies[count], body, run) if known else anew(self.body, body, run)
            carry = _going_on(goes_on, new, carry)
            count += 1
        if count != len(record.bodies):
            text = f"while runs {len(record.bodies)} times, and otherwise often after rounding"
            run.found("decides", self.origin.place, text)
        return carry


def _going_on(goes_on: Any, new: Values, old: Values) -> Values:
    """The carry after a turn; of loops that run side by side, as `vmap` makes them, those that go on."""
    if not np.ndim(goes_on):
        return new
    every = np.asarray(goes_on)
    return [
        np.where(every.reshape(every.shape + (1,) * (np.ndim(mine) - every.ndim)), mine, theirs)
        for mine, theirs in zip(new, old, strict=True)
    ]


class Cond:
    """`lax.cond` and `lax.switch`; another branch in a replica is a finding."""

    def __init__(self, origin: Origin, branches: Sequence[Block]) -> None:
        self.origin, self.branches = origin, branches

    def index(self, operand: Any) -> int:
        """Return which branch is taken."""
        return min(max(int(operand), 0), len(self.branches) - 1)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the branch's results, its index and its visit."""
        index = self.index(operands[0])
        results, below, visit = first(self.branches[index], operands[1:], taints[1:], run)
        return results, [longest(taint, taints[0]) for taint in below], (index, visit)

    def again(self, run: Run, operands: Values, record: tuple[int, Visit]) -> Values:
        """Return the results of the branch that is taken now."""
        index, visit = record
        taken = self.index(operands[0])
        if taken == index:
            return again(visit, operands[1:], run)
        run.found("decides", self.origin.place, f"branch {index} is taken, and {taken} after rounding")
        return anew(self.branches[taken], operands[1:], run)


def anew(block: Block, inputs: Values, run: Run) -> Values:
    """Return the results of a block that the first run did not see, with the errors of this run."""
    apart = replace(run, record=replace(run.record, literals=[], constants={}, terms={}))
    results, _, _ = first(block, inputs, [1] * len(inputs), apart)
    run.record.uniform &= apart.record.uniform
    return results
