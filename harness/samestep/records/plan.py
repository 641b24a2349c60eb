"""``run.json``: what was asked of a run, of which cells, and on what machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from samestep.catalog.cell import Cell, Options
from samestep.catalog.code_size import CodeSize
from samestep.codec import Malformed, decode, encode, in_json
from samestep.field_checks import amount, count, not_negative, repeats
from samestep.measure.hardware import Gpu

#: Variables of the environment by their names.
Variables = Mapping[str, str]


@dataclass(frozen=True)
class PlannedCell(Cell):
    """A cell with the key of the baseline that its comparison group is held against."""

    baseline: str = ""


def planned(cell: Cell, baseline: str) -> PlannedCell:
    """Return a cell with the key of its baseline."""
    return PlannedCell(**vars(cell), baseline=baseline)


@dataclass(frozen=True)
class RunOptions(Options):
    """The options of a run: ``pythons`` gives the interpreter of a framework's workers, ``roots`` are further
    folders of workloads."""

    seed: int = 0
    pythons: Mapping[str, str] = field(default_factory=dict)
    roots: Sequence[str] = ()

    @property
    def starts_code(self) -> list[str]:
        """The words of the command line that named files to run: a record alone starts none of them."""
        roots = [word for root in self.roots for word in ("--impls", root)]
        return roots + [
            word for name, path in self.pythons.items() for word in ("--python", f"{name}={path}")
        ]


@dataclass(frozen=True)
class Profile:
    """How much is measured: ``invocations`` of fresh processes, each of N ``rounds``.

    With ``width`` (of a ratio's 95 % interval, relative) or ``budget`` (seconds) as many invocations more as
    that takes; at most ``alive`` workers live side by side.
    """

    invocations: Annotated[int, repeats]
    rounds: Annotated[int, repeats]
    width: Annotated[float, amount] | None = None
    budget: Annotated[float, amount] | None = None
    alive: Annotated[int, repeats] = 16  # as it was in runs that do not say


@dataclass(frozen=True)
class Machine:
    """The machine of a run, memory in bytes: enough to tell whether two runs may be compared."""

    cpu: str
    instructions: Sequence[str] = ()
    processors: Annotated[int, count] = field(kw_only=True)
    cores: Annotated[int, count] | None = None
    governor: str | None = None
    memory_bytes: Annotated[int, count] | None = None
    gpus: Sequence[Gpu] = ()
    os: str = field(kw_only=True)
    python: str = field(kw_only=True)
    executable: str | None = None
    revision: str | None = None
    load: float | None = None

    @property
    def words(self) -> str:
        """The machine in words: ``AMD EPYC, 2 processors``."""
        processors = f"{self.processors} processor{'s' if self.processors != 1 else ''}"
        return ", ".join([self.cpu, processors, *(gpu.name or "a GPU" for gpu in self.gpus)])


@dataclass(frozen=True)
class Revision:
    """Whose code a run has measured, where two revisions took turns in the same rounds: the name that was
    ``asked`` for, its ``commit``, and what both runs call their measurement (``together``)."""

    asked: str
    commit: str
    together: str

    @property
    def label(self) -> str:
        """The revision for a reader: ``main (0123456789ab)``."""
        short = self.commit[:12]
        return short if self.commit.startswith(self.asked) else f"{self.asked} ({short})"


@dataclass(frozen=True)
class TaskFacts:
    """``flops`` counts the floating-point operations of the matrix products of one call."""

    flops: Annotated[float, not_negative]


@dataclass(frozen=True)
class Plan:
    """Everything that a report needs besides the samples.

    ``environment`` holds for each device the variables that workers are given, ``inherited`` those that were
    set by whoever started the run and steer a worker too; ``versions`` are by framework, ``tasks`` by case
    (``two_layer:tiny``) and task, ``sources`` (hashes of code) and ``code_sizes`` by
    ``workload/implementation``. ``revision`` is what `samestep ab` measured beside another one.
    """

    run: str
    options: RunOptions
    profile: Profile
    machine: Machine
    cells: Sequence[PlannedCell]
    tasks: Mapping[str, Mapping[str, TaskFacts]]
    selectors: Sequence[str] = ()
    environment: Mapping[str, Variables] = field(default_factory=dict)
    inherited: Mapping[str, Variables] | None = None
    versions: Mapping[str, str | None] | None = None
    sources: Mapping[str, str] | None = None
    code_sizes: Mapping[str, CodeSize] | None = field(metadata=in_json("prices"), default=None)
    revision: Revision | None = field(metadata=in_json(omit=True), default=None)

    def together_with(self, other: Plan) -> bool:
        """Return whether both were measured in the same rounds."""
        mine, its = self.revision, other.revision
        return mine is not None and its is not None and mine.together == its.together

    def tasks_of(self, cell: Cell) -> Mapping[str, TaskFacts]:
        """Return the tasks of a cell's case, in the order of its spec."""
        return self.tasks[cell.of_case]

    def code_size(self, cell: Cell) -> CodeSize:
        """Return the size of a cell's code; its numbers are None where the run does not know them."""
        return (self.code_sizes or {}).get(f"{cell.workload}/{cell.implementation}", CodeSize())

    def by_key(self) -> dict[str, PlannedCell]:
        """Return the cells by their keys, in the order of the plan."""
        return {cell.key: cell for cell in self.cells}


def plan_to_json(plan: Plan) -> dict[str, object]:
    """Return the document of ``run.json``: each cell with its key."""
    document: dict[str, object] = encode(plan)
    return {**document, "cells": [{**encode(cell), "key": cell.key} for cell in plan.cells]}


def plan_from_json(document: Mapping[str, object]) -> Plan:
    """Read what `plan_to_json` wrote. Raises `samestep.codec.Malformed`, which names the field."""
    plan = decode(Plan, document)
    cells = document["cells"]
    for cell, one in zip(plan.cells, cells if isinstance(cells, list) else (), strict=True):
        if one.get("key") != cell.key:
            raise Malformed(("cells",), one.get("key"))
        if cell.of_case not in plan.tasks or not plan.tasks[cell.of_case]:
            raise Malformed(("tasks",), cell.of_case)
    if not plan.cells or len(plan.by_key()) < len(plan.cells):
        raise Malformed(("cells",), [cell.key for cell in plan.cells])
    return plan
