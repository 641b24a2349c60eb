"""Cells that belong in one picture, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samestep.analysis.summary import CellSummary, TaskSummary
from samestep.report.fastest import ordered


@dataclass(frozen=True)
class Group:
    """Cells of one case, dtype and task, the fastest first; ``device`` is "" where they are on several.

    ``apart`` names the dtype and the device where the run has others, too.
    """

    workload: str
    case: str
    dtype: str
    task: str
    device: str
    cells: list[CellSummary]
    apart: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return ", ".join((f"{self.workload}:{self.case}", self.task, *self.apart))

    @property
    def filters(self) -> dict[str, str]:
        found = {"workload": self.workload, "case": self.case, "task": self.task, "device": self.device}
        return {name: value for name, value in found.items() if value}

    def name(self, what: str) -> str:
        """Of a picture: also the name of its file."""
        parts = (what, self.workload, self.case, self.dtype, self.device, self.task)
        return "-".join(part for part in parts if part)

    def of(self, cell: CellSummary) -> TaskSummary:
        return cell.tasks[self.task]

    def label(self, cell: CellSummary) -> str:
        name = str(cell.cell["implementation"])
        return name if self.device else f"{name} {cell.cell['device']}"


def seconds(task: TaskSummary) -> float:
    """Of one step where a call makes many, of one call otherwise."""
    return task.seconds_per_step or task.seconds.value


def unit(task: TaskSummary) -> str:
    return "step" if task.steps else "call"


def groups(
    about: Mapping[str, Any], summaries: Sequence[CellSummary], by_device: bool = True
) -> Iterator[Group]:
    """Every group that was timed, its tasks in the spec's order. Without ``by_device`` the CPU and the GPU
    are in one."""
    found: dict[tuple[str, ...], list[CellSummary]] = {}
    several = [len({summary.cell[name] for summary in summaries}) > 1 for name in ("dtype", "device")]
    for summary in summaries:
        cell = summary.cell
        device = cell["device"] if by_device else ""
        found.setdefault((cell["workload"], cell["case"], cell["dtype"], device), []).append(summary)
    for (workload, case, dtype, _), cells in found.items():
        for task in about["tasks"][f"{workload}:{case}"]:
            timed = [cell for cell in cells if task in cell.tasks]
            devices = {str(cell.cell["device"]) for cell in timed}
            only = devices.pop() if len(devices) == 1 else ""
            if timed:
                apart = tuple(
                    name for name, told in zip((dtype, only), several, strict=True) if name and told
                )
                yield Group(workload, case, dtype, task, only, ordered(timed, task), apart)


def trained(about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Group]:
    """Of each case the tasks that show what training costs: one step, and many in one call."""
    for group in groups(about, summaries):
        if group.task == "train_step" or any(group.of(cell).steps for cell in group.cells):
            yield group
