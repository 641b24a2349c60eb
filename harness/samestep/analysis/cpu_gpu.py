"""CPU against GPU: how many times as long the same implementation takes, and from which size on less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from samestep.analysis.by_cell import Samples, by_cell
from samestep.analysis.curves import Crossing, crossing
from samestep.analysis.statistics import Contrast, Mean, contrasts_of_means, means, paired
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import Process, Record
from samestep.spec import name_with_size, parse_case

#: What the CPU's and the GPU's cell must have in common.
ALIKE = ("workload", "case", "implementation", "dtype", "matmul")


@dataclass(frozen=True)
class Series:
    """What a curve is of: an implementation and a task over the sizes of a sweep; ``size`` is "" without
    one."""

    workload: str
    case: str
    size: str
    implementation: str
    dtype: str
    task: str

    def __lt__(self, other: Series) -> bool:
        return tuple(vars(self).values()) < tuple(vars(other).values())


@dataclass
class Curve:
    """GPU over CPU at each size that both were measured at, without and with the transfer of a call's inputs
    and outputs; and the size where it passes 1."""

    of: Series
    ratios: dict[int, Contrast] = field(default_factory=dict)
    with_transfer: dict[int, float] = field(default_factory=dict)
    crossing: Crossing | None = None
    crossing_with_transfer: Crossing | None = None


@dataclass
class _Pairs:
    """Log ratios by size and process, without and with the transfer."""

    computing: dict[int, list[list[float]]] = field(default_factory=dict)
    with_transfer: dict[int, list[list[float]]] = field(default_factory=dict)


def curves(plan: Plan, records: Iterable[Record]) -> list[Curve]:
    """Return one curve for each implementation and task that ran on both devices; without a sweep it has one
    point."""
    both = list(_both(plan))
    if not both:  # as on any machine without a GPU
        return []
    found, of_cell = dict[Series, _Pairs](), by_cell(plan, records)
    for cpu, gpu in both:
        case, size, number = _swept(gpu.case)
        mine, theirs = of_cell[gpu.key], of_cell[cpu.key]
        for task in mine.samples.keys() & theirs.samples.keys():
            ratios = paired(mine.samples[task], theirs.samples[task])
            if ratios:
                series = Series(gpu.workload, case, size, gpu.implementation, gpu.dtype, task)
                pairs = found.setdefault(series, _Pairs())
                pairs.computing[number] = ratios
                took = {at: t.to_device + t.from_device for at, t in mine.transfers.get(task, {}).items()}
                moved = _with_transfer(mine.samples[task], took)
                pairs.with_transfer[number] = paired(moved, theirs.samples[task])
    return [
        _curve(series, means(found[series].computing), means(found[series].with_transfer))
        for series in sorted(found)
    ]


def _curve(series: Series, computing: dict[int, Mean], with_transfer: dict[int, Mean]) -> Curve:
    curve = Curve(series, contrasts_of_means(computing))
    curve.with_transfer = {number: float(np.exp(mean.value)) for number, mean in with_transfer.items()}
    if len(computing) > 1:
        sizes = sorted(computing)
        curve.crossing = crossing(sizes, [computing[n] for n in sizes])
        curve.crossing_with_transfer = crossing(sizes, [with_transfer[n] for n in sizes])
    return curve


def _swept(name: str) -> tuple[str, str, int]:
    """``tutorial[batch=64]`` -> ("tutorial", "batch", 64): a sweep changes the size that is named last."""
    base, sizes = parse_case(name)
    if not sizes:
        return name, "", 0
    *kept, (size, number) = sizes
    for one in kept:
        base = name_with_size(base, *one)
    return base, size, number


def _both(plan: Plan) -> Iterator[tuple[PlannedCell, PlannedCell]]:
    """Return the CPU's and the GPU's cell of what is otherwise the same."""

    def alike(cell: PlannedCell) -> tuple[str, ...]:
        return tuple(getattr(cell, name) for name in ALIKE)

    originals = [cell for cell in plan.cells if not cell.aa_copy]
    cpu = {alike(cell): cell for cell in originals if cell.device == "cpu"}
    for cell in originals:
        if cell.device == "gpu" and alike(cell) in cpu:
            yield cpu[alike(cell)], cell


def _with_transfer(samples: Samples, took: Mapping[Process, float]) -> Samples:
    """Add to each sample its own process's transfer; in processes that timed none, the median one."""
    usual = float(np.median(list(took.values()))) if took else 0.0
    return {at: seconds + took.get(at[0], usual) for at, seconds in samples.items()}
