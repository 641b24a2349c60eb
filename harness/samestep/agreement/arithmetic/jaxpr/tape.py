"""The visits of the first run as one straight Python function, so that a replica costs little but arithmetic.

Every value is a local variable, every error a block of the pool at a place that is drawn beforehand. Short
scans are written out turn by turn; while loops, branches, integers and constants are run by their steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.jaxpr.block import Visit
from samestep.agreement.arithmetic.jaxpr.control import Scan, stacked
from samestep.agreement.arithmetic.jaxpr.draws import POOL, factors, pool
from samestep.agreement.arithmetic.jaxpr.rounding import Rounding
from samestep.agreement.arithmetic.jaxpr.state import Run
from samestep.agreement.arithmetic.jaxpr.steps import Moved, Product, Rounded
from samestep.agreement.arithmetic.program import Contract, Level

#: Scans of more lines than this are run turn by turn: Python compiles about 30 lines a millisecond.
WRITTEN_OUT = 4000
#: Bytes of one number of the pool.
_BYTES = 8


class Writer:
    """Writes the function's lines; ``names`` are the objects that they mention, ``draws`` the places read."""

    def __init__(self, level: Level, contract: Contract) -> None:
        self.level, self.contract = level, contract
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"block": np.ndarray, "f8": np.dtype(np.float64), "stacked": stacked,
                                      "take": np.take}  # fmt: skip
        self.draws = self.variables = 0
        self._known: dict[int, str] = {}

    def name(self, thing: Any) -> str:
        """Return the name of an object in the function."""
        if id(thing) not in self._known:
            self._known[id(thing)] = name = f"c{len(self.names)}"
            self.names[name] = thing
        return self._known[id(thing)]

    def variable(self) -> str:
        """Return a new variable."""
        self.variables += 1
        return f"v{self.variables}"

    def visit(self, visit: Visit, inputs: Sequence[str]) -> list[str]:
        """Write the steps of a visit; return the variables of its results."""
        slots = {s: self.name(x) for s, x in enumerate(visit.template) if x is not None}
        slots.update(zip(visit.block.inputs, inputs, strict=True))
        given = set(slots.values())
        for at, record in visit.actions:
            results = self._step(at.step, record, [slots[s] for s in at.reads], len(at.writes))
            slots.update(zip(at.writes, results, strict=True))
            if freed := [slots[s] for s in at.frees if slots[s] not in given]:
                self.lines.append(f"del {', '.join(freed)}")
        return [self._own(slots[s], given) for s in visit.block.outputs]

    def _own(self, variable: str, given: set[str]) -> str:
        """Return another variable for one that is given: each is deleted once."""
        if variable not in given:
            given.add(variable)
            return variable
        self.lines.append(f"{(own := self.variable())} = {variable}")
        return own

    def _step(self, step: Any, record: Any, operands: Sequence[str], count: int) -> list[str]:
        if isinstance(step, Scan) and len(step.turns) * len(record[:1] and record[0].actions) <= WRITTEN_OUT:
            return self._scan(step, record, operands)
        results = [self.variable() for _ in range(count)]
        if isinstance(step, Product) and self.contract is Contract.FLOAT32:
            step, record = step.plain, record[0]
        plain = type(step) is Moved and record is None
        if plain or type(step) is Rounded:
            comma = "," if step.many else ""
            self.lines.append(
                f"{', '.join(results)}{comma} = {self.name(step.kernel)}({', '.join(operands)})"
            )
        else:
            names = f"{self.name(step)}.again(run, [{', '.join(operands)}], {self.name(record)})"
            self.lines.append(f"[{', '.join(results)}] = {names}")
        if type(step) is Rounded and record is not None:
            self._error(results[0], record)
        return results

    def _error(self, out: str, rounding: Rounding) -> None:
        """Write the error of a result, which owns its memory."""
        width = rounding.width(self.level)
        groups, shape = rounding.groups, rounding.shape
        count = groups.count if groups is not None else int(np.prod(shape))
        if width is None or not count:
            return
        if rounding.axis is not None or rounding.parts or count > POOL // 2:
            self.lines.append(f"{out} = {self.name(rounding)}.apply({out}, run.draws, run.level)")
            return
        relative = isinstance(width, float)
        source = self.name(factors(width) if isinstance(width, float) else pool())
        place = f"places[{self.draws}]"
        self.draws += 1
        if not shape:
            error = f"{source}[{place} // {_BYTES}]"
        elif groups is not None:
            error = f"take(block(({count},), f8, {source}, {place}), {self.name(groups.member)})"
        else:
            error = f"block({shape}, f8, {source}, {place}, {rounding.strides})"
        self.lines.append(f"{out} *= {error}" if relative else f"{out} += {self.name(width)} * {error}")

    def _scan(self, scan: Scan, record: Sequence[Visit], operands: Sequence[str]) -> list[str]:
        constants, carry, rows = scan.parts(operands)
        results: dict[int, list[str]] = {}
        for turn, visit in zip(scan.turns, record, strict=True):
            inputs = [self.variable() for _ in rows]
            self.lines += [f"{x} = {row}[{turn}]" for x, row in zip(inputs, rows, strict=True)]
            outs = self.visit(visit, [*constants, *carry, *inputs])
            carry, results[turn] = outs[: scan.carried], outs[scan.carried :]
        leaving = [self.variable() for _ in scan.avals]
        for index, out in enumerate(leaving):
            column = ", ".join(results[turn][index] for turn in sorted(results))
            self.lines.append(
                f"{out} = stacked([{column}])" if results else f"{out} = {self.name(scan.empty(index))}"
            )
        return [*carry, *leaving]


class Tape:
    """A visit as a function of its inputs, for one level and contract."""

    def __init__(self, visit: Visit, level: Level, contract: Contract) -> None:
        writer = Writer(level, contract)
        inputs = [writer.variable() for _ in visit.block.inputs]
        outputs = writer.visit(visit, inputs)
        body = "\n    ".join([*writer.lines, f"return [{', '.join(outputs)}]"])
        source = f"def replica({', '.join([*inputs, 'run', 'places'])}):\n    {body}\n"
        exec(compile(source, "<replica>", "exec"), writer.names)
        self._function: Callable[..., list[Any]] = writer.names["replica"]
        self._draws = writer.draws

    def run(self, inputs: Sequence[Any], run: Run) -> list[Any]:
        """Return the results of one replica, whose draws ``run`` holds."""
        assert run.draws is not None
        places = (run.draws.places(self._draws) * _BYTES).tolist()
        return self._function(*inputs, run, places)
