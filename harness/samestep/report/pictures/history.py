"""What became faster or slower over the runs of a machine: a line for each implementation, a point a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt

from samestep.analysis.run_diff import Change, Side, compare
from samestep.records.store import Run
from samestep.report.picture import MARKS, Picture, Row, rounded
from samestep.report.pictures.marks import HEIGHT, colour, data, over, ratios

CELL = ("workload", "case", "dtype", "device")
#: A run that is named by its time: the day, and the time below it.
LABEL = r"test(/^\d+-\d+-\d+T/, datum.label) ? split(datum.label, 'T') : datum.label"
#: A point, its interval, and its piece of the line.
MARKS_A_POINT = 3

Key = tuple[str, str]  # a cell's key and a task


@dataclass(frozen=True)
class Line:
    """Runs of one machine in the order of their names, and what is known to have changed at each."""

    machine: str
    names: list[str]
    sides: list[Side]
    steps: list[dict[Key, Change]]


def pictures(runs: Sequence[Run]) -> Iterator[Picture]:
    """For each machine that several runs are of: one picture for each case, dtype, device and task."""
    machines: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.folder.name):
        machine = run.about["machine"]
        machines.setdefault(f"{machine['cpu']}, {machine['processors']} processors", []).append(run)
    for machine, mine in machines.items():
        if len(mine) > 1:
            yield from _pictures(_line(machine, mine), several=len(machines) > 1)


def _line(machine: str, runs: Sequence[Run]) -> Line:
    sides = [Side.of(run.about, run.records()) for run in runs]
    steps: list[dict[Key, Change]] = [{}]
    for before, after in pairwise(sides):
        changes = compare(before, after).changes
        real = [change for change in changes if change.contrast.word in ("faster", "slower")]
        steps.append({(change.cell["key"], change.task): change for change in real})
    return Line(machine, [run.folder.name for run in runs], sides, steps)


def _pictures(line: Line, several: bool) -> Iterator[Picture]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for side in line.sides:
        for key, summary in side.cells.items():
            for task in summary.tasks:
                group = (*(str(summary.cell[name]) for name in CELL), task)
                keys = groups.setdefault(group, [])
                keys += [key] if key not in keys else []
    many = [len(set(names)) > 1 for names in zip(*groups, strict=True)]
    for (workload, case, dtype, device, task), keys in groups.items():
        apart = [name for name, told in zip((dtype, device), many[2:4], strict=True) if told]
        where = ", ".join((f"{workload}:{case}", task, *apart))
        rows = time_rows(line, keys, task)
        parts = ["history", workload, case, dtype, device, task, *([line.machine] if several else [])]
        yield Picture(
            "-".join(parts).replace(" ", "_"), "history", f"{where}: {message(rows)}",
            f"Time of each implementation over that in its first run, in {dtype} on the {device}, with 95 % "
            f"intervals, on {line.machine}. An arrow is a step that samestep compare calls real; what all "
            "lines do together is the machine.",
            rows, chart(rows), {"workload": workload, "case": case, "task": task, "device": device},
        )  # fmt: skip


def time_rows(line: Line, keys: Sequence[str], task: str) -> list[Row]:
    """A point for each run and implementation that it timed, of the latest runs that can be told apart."""
    latest = max(2, MARKS // (MARKS_A_POINT * len(keys)))
    rows: list[Row] = []
    first: dict[str, float] = {}
    for name, side, steps in list(zip(line.names, line.sides, line.steps, strict=True))[-latest:]:
        for key in keys:
            timed = side.cells[key].tasks.get(task) if key in side.cells else None
            if timed is None:
                continue
            cell, change, a_call = side.cells[key].cell, steps.get((key, task)), timed.seconds
            usual, calls = first.setdefault(key, a_call.value), timed.steps or 1
            rows.append({
                "run": name, "implementation": cell["implementation"], "framework": cell["framework"],
                "seconds": rounded(a_call.value / calls), "ratio": rounded(a_call.value / usual),
                "low": rounded(a_call.low / usual), "high": rounded(a_call.high / usual),
                "step": change and change.contrast.word, "change": change and rounded(change.contrast.value),
                "label": change and f"{_who(change)} {change.contrast.value:.2f}",
                "who": change and _who(change),
            })  # fmt: skip
    return rows


def _who(change: Change) -> str:
    """A change by the clock may be the machine's."""
    name = str(change.cell["implementation"])
    return f"{name} or the machine" if change.absolutely else name


def message(rows: Sequence[Row]) -> str:
    """What changed, if anything did."""
    steps, runs = [row for row in rows if row["step"]], len({row["run"] for row in rows})
    if not steps:
        return f"no real change in {runs} runs"
    if len(steps) == 1:
        (one,) = steps
        return f"{one['who']} became {one['step']}, {one['change']:.2f} times its time before"
    return f"{len(steps)} real changes in {runs} runs"


def chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A line for each implementation, its intervals, and an arrow with a name where it stepped."""
    order = list(dict.fromkeys(row["run"] for row in rows))
    half = len(order) // 2  # whose names have room to the right; the names of the others stand to the left
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy", labelExpr=LABEL)
    x = alt.X("run:O", sort=order, title="run", axis=axis)
    names = list(dict.fromkeys(row["implementation"] for row in rows))
    offset = alt.XOffset("implementation:N", sort=names)  # or all intervals of a run would lie on each other
    y = ratios(alt.Y, rows, "time over that in the first run, logarithmic")
    who = alt.Detail("implementation:N")
    scale = alt.Scale(domain=["faster", "slower"], range=["triangle-down", "triangle-up"])
    legend = alt.Legend(symbolFillColor="#888888", symbolStrokeColor="#888888")
    steps = data().transform_filter("datum.step != null")
    interval = data().mark_rule(strokeWidth=1.5, opacity=0.4)
    return over(
        data()
        .mark_line(strokeWidth=1.5, opacity=0.6)
        .encode(x=x, xOffset=offset, y=y, color=colour(rows), detail=who),
        interval.encode(x=x, xOffset=offset, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour(rows)),
        steps.mark_point(size=110, filled=True, opacity=1).encode(
            x=x,
            xOffset=offset,
            y=y,
            color=colour(rows),
            shape=alt.Shape("step:N", title="a real step", scale=scale, legend=legend),
        ),
        *(
            steps.transform_filter(alt.FieldOneOfPredicate("run", some))
            .mark_text(align=align, dx=dx, dy=-8)
            .encode(x=x, xOffset=offset, y=y, text=alt.Text("label:N"))
            for some, align, dx in ((order[:half], "left", 9), (order[half:], "right", -9))
        ),
        height=HEIGHT,
    )
