"""What became faster or slower over the runs of a machine: a line for each implementation, a point a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt

from samestep.analysis.run_data import RunData
from samestep.analysis.run_diff import Change, run_diff
from samestep.records.store import Run
from samestep.report.picture import MARKS, Picture, as_rows, significant
from samestep.report.pictures.marks import HEIGHT, data, framework_colour, over, ratio_axis

#: A run that is named by its time: the day, and the time below it.
LABEL = r"test(/^\d+-\d+-\d+T/, datum.label) ? split(datum.label, 'T') : datum.label"
#: A point, its interval, and its piece of the line.
MARKS_A_POINT = 3

Key = tuple[str, str]  # a cell's key and a task


@dataclass(frozen=True)
class RunRow:
    """The time of an implementation in a run, ``ratio`` to that in its first run; ``step`` is "faster" or
    "slower" where it changed from the run before, and ``change`` by how many times."""

    run: str
    implementation: str
    framework: str
    seconds: float
    ratio: float
    low: float
    high: float
    step: str | None
    change: float | None
    label: str | None
    who: str | None


@dataclass(frozen=True)
class History:
    """Runs of one machine in the order of their names, and what is known to have changed at each."""

    machine: str
    names: Sequence[str]
    runs: Sequence[RunData]
    changes: Sequence[Mapping[Key, Change]]


def pictures(runs: Sequence[Run]) -> Iterator[Picture]:
    """Return for each machine with several runs one for each case, dtype, device and task."""
    machines: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.name):
        cpu, processors = run.plan.machine.cpu, run.plan.machine.processors
        machines.setdefault(f"{cpu}, {processors} processors", []).append(run)
    for machine, mine in machines.items():
        if len(mine) > 1:
            yield from _pictures(_history(machine, mine), several=len(machines) > 1)


def _history(machine: str, runs: Sequence[Run]) -> History:
    found = [RunData.of(run.plan, run.records()) for run in runs]
    changes: list[dict[Key, Change]] = [{}]
    for before, after in pairwise(found):
        real = [c for c in run_diff(before, after).changes if c.contrast.word in ("faster", "slower")]
        changes.append({(change.cell.key, change.task): change for change in real})
    return History(machine, [run.name for run in runs], found, changes)


def _pictures(history: History, several: bool) -> Iterator[Picture]:
    groups = _groups(history)
    several_dtypes, several_devices = (len({group[at] for group in groups}) > 1 for at in (2, 3))
    for (workload, case, dtype, device, task), keys in groups.items():
        qualifiers = (dtype if several_dtypes else "", device if several_devices else "")
        where = ", ".join(filter(None, (f"{workload}:{case}", task, *qualifiers)))
        rows = time_rows(history, keys, task)
        parts = ["history", workload, case, dtype, device, task, *([history.machine] if several else [])]
        yield Picture(
            "-".join(parts).replace(" ", "_"), "history", f"{where}: {message(rows)}",
            f"Time of each implementation over that in its first run, in {dtype} on the {device}, with 95 % "
            f"intervals, on {history.machine}. An arrow is a change that samestep compare calls real; what "
            "all lines share is machine drift.",
            as_rows(rows), chart(rows),
            {"workload": workload, "case": case, "task": task, "device": device},
        )  # fmt: skip


def _groups(history: History) -> dict[tuple[str, str, str, str, str], list[str]]:
    """Return the keys of the cells of each workload, case, dtype, device and task."""
    groups: dict[tuple[str, str, str, str, str], list[str]] = {}
    for run in history.runs:
        for key, summary in run.cells.items():
            cell = summary.cell
            for task in summary.tasks:
                keys = groups.setdefault((cell.workload, cell.case, cell.dtype, cell.device, task), [])
                keys += [key] if key not in keys else []
    return groups


def time_rows(history: History, keys: Sequence[str], task: str) -> list[RunRow]:
    """Return a point for each run and implementation that it timed, of the latest runs that fit into a
    chart."""
    latest = max(2, MARKS // (MARKS_A_POINT * len(keys)))
    rows: list[RunRow] = []
    first: dict[str, float] = {}
    runs = list(zip(history.names, history.runs, history.changes, strict=True))
    for name, run, changes in runs[-latest:]:
        for key in keys:
            timed = run.cells[key].tasks.get(task) if key in run.cells else None
            if timed is not None and timed.seconds.known:
                first.setdefault(key, timed.seconds.value)
                rows.append(_row(name, run, key, task, first[key], changes.get((key, task))))
    return rows


def _row(name: str, run: RunData, key: str, task: str, first: float, change: Change | None) -> RunRow:
    cell, timed = run.cells[key].cell, run.cells[key].tasks[task]
    return RunRow(
        run=name,
        implementation=cell.implementation,
        framework=cell.framework,
        seconds=significant(timed.seconds.value / (timed.steps or 1)),
        ratio=significant(timed.seconds.value / first),
        low=significant(timed.seconds.low / first),
        high=significant(timed.seconds.high / first),
        step=change.contrast.word if change else None,
        change=significant(change.contrast.value) if change and change.contrast.known else None,
        label=_label(change) if change else None,
        who=_who(change) if change else None,
    )


def _label(change: Change) -> str:
    """Return what changed, and by how many times where that is known."""
    return f"{_who(change)} {change.contrast.value:.2f}" if change.contrast.known else _who(change)


def _who(change: Change) -> str:
    """Return what changed; a change by the clock may be the machine's."""
    name = change.cell.implementation
    return f"{name} or the machine" if change.absolutely else name


def message(rows: Sequence[RunRow]) -> str:
    """Return what changed, if anything did."""
    steps, runs = [row for row in rows if row.step], len({row.run for row in rows})
    if not steps:
        return f"no real change in {runs} runs"
    if len(steps) == 1:
        (one,) = steps
        times = f", {one.change:.2f} times its time before" if one.change else ""
        return f"{one.who} became {one.step}{times}"
    return f"{len(steps)} real changes in {runs} runs"


def _run_axis(order: Sequence[str]) -> alt.X:
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy", labelExpr=LABEL)
    return alt.X("run:O", sort=order, title="run", axis=axis)


def chart(rows: Sequence[RunRow]) -> alt.TopLevelMixin:
    """Return a chart of a line for each implementation, its intervals, and an arrow with a name where it
    changed."""
    order = list(dict.fromkeys(row.run for row in rows))
    half = len(order) // 2  # whose names have room to the right; the names of the others stand to the left
    x = _run_axis(order)
    names = list(dict.fromkeys(row.implementation for row in rows))
    offset = alt.XOffset("implementation:N", sort=names)  # or all intervals of a run would lie on each other
    values = [value for row in rows for value in (row.ratio, row.low, row.high)]
    y = ratio_axis(alt.Y, values, "time over that in the first run, logarithmic")
    colour, detail = framework_colour(rows), alt.Detail("implementation:N")
    scale = alt.Scale(domain=["faster", "slower"], range=["triangle-down", "triangle-up"])
    legend = alt.Legend(symbolFillColor="#888888", symbolStrokeColor="#888888")
    shape = alt.Shape("step:N", title="a real change", scale=scale, legend=legend)
    line = data().mark_line(strokeWidth=1.5, opacity=0.6)
    interval = data().mark_rule(strokeWidth=1.5, opacity=0.4)
    steps = data().transform_filter("datum.step != null")
    arrow = steps.mark_point(size=110, filled=True, opacity=1)
    return over(
        line.encode(x=x, xOffset=offset, y=y, color=colour, detail=detail),
        interval.encode(x=x, xOffset=offset, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour),
        arrow.encode(x=x, xOffset=offset, y=y, color=colour, shape=shape),
        *(
            steps.transform_filter(alt.FieldOneOfPredicate("run", some))
            .mark_text(align=align, dx=dx, dy=-8)
            .encode(x=x, xOffset=offset, y=y, text=alt.Text("label:N"))
            for some, align, dx in ((order[:half], "left", 9), (order[half:], "right", -9))
        ),
        height=HEIGHT,
    )
