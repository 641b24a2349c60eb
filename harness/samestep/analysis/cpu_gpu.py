"""CPU against GPU: how many times as long the same implementation takes, and from which size on less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samestep.analysis.by_cell import gather
from samestep.analysis.curves import Crossing, crossing
from samestep.analysis.ratios import Process, Samples
from samestep.analysis.statistics import Contrast, Mean, judged, means, paired
from samestep.spec import parts, resized


@dataclass
class Curve:
    """One implementation and task over a sweep of ``size``: GPU over CPU at each size that both were measured
    at, without and with the transfer of its inputs and outputs; and where it passes 1."""

    workload: str
    case: str
    size: str
    implementation: str
    dtype: str
    task: str
    ratios: dict[int, Contrast] = field(default_factory=dict)
    with_transfer: dict[int, float] = field(default_factory=dict)
    crossing: Crossing | None = None
    crossing_with_transfer: Crossing | None = None


def curves(about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> list[Curve]:
    """Of every implementation that ran on both devices; a case that no sweep made is a curve of one point,
    and its size is ""."""
    both = list(_both(about))
    if not both:  # as on any machine without a GPU
        return []
    gathered = gather(about, records)
    pairs: dict[tuple[str, ...], dict[int, list[list[float]]]] = {}
    moved: dict[tuple[str, ...], dict[int, list[list[float]]]] = {}
    for cpu, gpu, cell in both:
        case, size, number = _swept(cell["case"])
        mine, theirs = gathered[gpu], gathered[cpu]
        for task in mine.samples.keys() & theirs.samples.keys():
            key = (cell["workload"], case, size, cell["implementation"], cell["dtype"], task)
            found = paired(mine.samples[task], theirs.samples[task])
            if found:
                pairs.setdefault(key, {})[number] = found
                took = {at: sum(both.values()) for at, both in mine.transfers.get(task, {}).items()}
                with_transfer = _with_transfer(mine.samples[task], took)
                moved.setdefault(key, {})[number] = paired(with_transfer, theirs.samples[task])
    return [_curve(key, means(pairs[key]), means(moved[key])) for key in sorted(pairs)]


def _curve(key: tuple[str, ...], known: dict[int, Mean], moved: dict[int, Mean]) -> Curve:
    workload, case, size, implementation, dtype, task = key
    curve = Curve(workload, case, size, implementation, dtype, task)
    curve.ratios = judged(known)
    curve.with_transfer = {number: float(np.exp(mean.value)) for number, mean in moved.items()}
    if len(known) > 1:
        sizes = sorted(known)
        curve.crossing = crossing(sizes, [known[n] for n in sizes])
        curve.crossing_with_transfer = crossing(sizes, [moved[n] for n in sizes])
    return curve


def _swept(name: str) -> tuple[str, str, int]:
    """``tutorial[batch=64]`` -> ("tutorial", "batch", 64): a sweep changes the size that is named last."""
    base, sizes = parts(name)
    if not sizes:
        return name, "", 0
    *kept, (size, number) = sizes
    for one in kept:
        base = resized(base, *one)
    return base, size, number


def _both(about: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """The keys of the CPU's and the GPU's cell of what is otherwise the same, and the latter."""
    same = ("workload", "case", "implementation", "dtype", "matmul")
    cpu = {
        tuple(cell[name] for name in same): cell["key"]
        for cell in about["cells"]
        if cell["device"] == "cpu" and not cell.get("twin")
    }
    for cell in about["cells"]:
        partner = cpu.get(tuple(cell[name] for name in same))
        if cell["device"] == "gpu" and partner and not cell.get("twin"):
            yield partner, cell["key"], cell


def _with_transfer(of_task: Samples, took: Mapping[Process, float]) -> Samples:
    """Each sample with its own process's transfer; in processes that timed none, with the usual one."""
    usual = float(np.median(list(took.values()))) if took else 0.0
    return {at: seconds + took.get(at[0], usual) for at, seconds in of_task.items()}
