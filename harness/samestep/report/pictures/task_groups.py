"""Cells that belong in one picture, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samestep.analysis.certainty import certainty
from samestep.analysis.fastest import fastest_first
from samestep.analysis.summary import CellSummary, TaskSummary
from samestep.records.plan import Plan


@dataclass(frozen=True)
class TaskGroup:
    """Cells of one case, dtype and task, the fastest first, or in the order of the plan where noise leaves
    nothing to tell; ``device`` is "" where they are on several.

    ``qualifiers`` names the dtype and the device where the run has others, too.
    """

    workload: str
    case: str
    dtype: str
    task: str
    device: str
    cells: Sequence[CellSummary]
    qualifiers: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The group for a reader: "two_layer:tiny, train"."""
        return ", ".join((f"{self.workload}:{self.case}", self.task, *self.qualifiers))

    @property
    def filters(self) -> dict[str, str]:
        """What its pictures belong to (`Picture.filters`)."""
        found = {"workload": self.workload, "case": self.case, "task": self.task, "device": self.device}
        return {name: value for name, value in found.items() if value}

    def picture_name(self, what: str) -> str:
        """Return the name of a picture, which is also that of its file."""
        parts = (what, self.workload, self.case, self.dtype, self.device, self.task)
        return "-".join(part for part in parts if part)

    def timed(self, cell: CellSummary) -> TaskSummary:
        """Return what a cell took for the task."""
        return cell.tasks[self.task]

    def label(self, cell: CellSummary) -> str:
        """Return the implementation's name, with the device where there are several."""
        name = cell.cell.implementation
        return name if self.device else f"{name} {cell.cell.device}"


def time_of_unit(task: TaskSummary) -> float:
    """Return the seconds of one step where a call makes many, of one call otherwise."""
    return task.seconds_per_step or task.seconds.value


def task_groups(plan: Plan, summaries: Sequence[CellSummary], by_device: bool = True) -> Iterator[TaskGroup]:
    """Return every group that was timed, its tasks in the spec's order. Without ``by_device`` the CPU and the
    GPU are in one."""
    found: dict[tuple[str, ...], list[CellSummary]] = {}
    several_dtypes = len({summary.cell.dtype for summary in summaries}) > 1
    several_devices = len({summary.cell.device for summary in summaries}) > 1
    for summary in summaries:
        cell = summary.cell
        device = cell.device if by_device else ""
        found.setdefault((cell.workload, cell.case, cell.dtype, device), []).append(summary)
    for (workload, case, dtype, _), cells in found.items():
        for task in plan.tasks_of(cells[0].cell):
            timed = [cell for cell in cells if task in cell.tasks]
            devices = {cell.cell.device for cell in timed}
            only = devices.pop() if len(devices) == 1 else ""
            if timed:
                qualifiers = (dtype if several_dtypes else "", only if several_devices else "")
                yield TaskGroup(
                    workload,
                    case,
                    dtype,
                    task,
                    only,
                    fastest_first(timed, task) if certainty(timed, task).tells else timed,
                    tuple(filter(None, qualifiers)),
                )


def training_groups(plan: Plan, summaries: Sequence[CellSummary]) -> Iterator[TaskGroup]:
    """Return of each case the tasks that show what training costs: one step, and many in one call."""
    for group in task_groups(plan, summaries):
        if group.task == "train_step" or any(group.timed(cell).steps for cell in group.cells):
            yield group
