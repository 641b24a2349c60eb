"""A run as data frames, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samestep.analysis.cpu_gpu import curves
from samestep.analysis.summary import CellSummary, peaks
from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.records.validated import summarized
from samestep.report import crossovers, formatting
from samestep.report.metrics import facts

if TYPE_CHECKING:
    import pandas as pd

CELL = ("workload", "case", "implementation", "framework", "dtype", "device", "matmul", "threads")
COLUMNS = ("implementation", "verdict", "time", "ratio to baseline", "", "of peak", "first call")
#: Of the rung, not of the cell: the terminal has no room for them.
PRICE = ("lines", "changed")
#: What starting costs, and calls that are waited for one by one.
STARTING = (
    "implementation", "import", "build", "first call", "steady after", "pays from", "latency",
    "95th percentile", "memory", "on the device", "bound by",
)  # fmt: skip


def groups(summaries: Sequence[CellSummary]) -> list[tuple[str, list[CellSummary]]]:
    """Cells that are compared with each other, under a heading: one case, dtype and device."""

    def heading(summary: CellSummary) -> str:
        cell = summary.cell
        return f"{cell['workload']}:{cell['case']}, {cell['dtype']}, {cell['device']}"

    found: dict[str, list[CellSummary]] = {}
    for summary in summaries:
        found.setdefault(heading(summary), []).append(summary)
    return list(found.items())


def headline(summaries: Sequence[CellSummary], about: Mapping[str, Any]) -> str:
    """The task that a group is known by: the one of many steps, in one call."""
    cell = summaries[0].cell
    tasks = about["tasks"][f"{cell['workload']}:{cell['case']}"]
    return max(map(str, tasks), key=lambda task: _steps(summaries, task) or 0)


def row(summary: CellSummary, task: str) -> tuple[str, ...]:
    """One line of a table: ``COLUMNS`` as text."""
    timed = summary.tasks.get(task)
    name = summary.cell["implementation"]
    if timed is None:
        return (name, summary.verdict, *["-"] * (len(COLUMNS) - 2))
    return (
        name,
        summary.verdict,
        formatting.seconds(timed.seconds_per_step or timed.seconds.value),
        formatting.interval(timed.ratio),
        formatting.mark(timed.ratio),
        formatting.percent(timed.fraction_of_peak),
        formatting.seconds(timed.first_call_seconds),
    )


def unit(summaries: Sequence[CellSummary], task: str) -> str:
    """What the time is of: a step where one call makes many."""
    steps = _steps(summaries, task)
    return f"{task}, one of {steps} steps" if steps and steps > 1 else f"{task}, one call"


def _steps(summaries: Sequence[CellSummary], task: str) -> int | None:
    return next((s.tasks[task].steps for s in summaries if task in s.tasks), None)


def price(about: Mapping[str, Any], cell: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The rung's lines of code, and how many are new; None where there is no such number."""
    found = (about.get("prices") or {}).get(f"{cell['workload']}/{cell['implementation']}", {})
    return found.get("lines"), found.get("changed")


def frame(run: Run) -> pd.DataFrame:
    """One row for each cell and task, numbers as they are (seconds, ratios, fractions)."""
    import pandas as pd

    about, rows, summaries = run.about, [], summarized(run)
    for summary in summaries:
        cell = {name: summary.cell[name] for name in CELL}
        lines = dict(zip(("lines", "lines_changed"), price(about, cell), strict=True))
        base = {**cell, **lines, "verdict": summary.verdict, "reason": summary.reason}
        for task in summary.tasks:
            rows.append({**base, "task": task, **facts(summaries, summary, task)})
        if not summary.tasks:
            rows.append(base)
    return pd.DataFrame(rows).astype({"lines": "Int64", "lines_changed": "Int64"})


def markdown(run: Run) -> str:
    """All groups and all tasks, as tables to paste."""
    about = run.about
    machine = about["machine"]
    summaries = summarized(run)
    lines = [
        f"# {run.folder.name}",
        "",
        f"{machine['cpu']}, {machine['processors']} processors, {about['options']['threads']} threads; "
        f"{machine['os']}; Python {machine['python']}; {', '.join(versions(run))}.",
        "",
        *legend(about, summaries),
        "lines: of the rung's code, without blank lines, comments and docstrings; changed: how many of them "
        "the rung that it is read after does not have.",
    ]
    for name, cells in groups(summaries):
        for task in about["tasks"][f"{cells[0].cell['workload']}:{cells[0].cell['case']}"]:
            if not any(task in cell.tasks for cell in cells):
                continue
            lines += ["", f"## {name}: {unit(cells, task)}", ""]
            priced = [(*row(cell, task), *map(formatting.count, price(about, cell.cell))) for cell in cells]
            lines += formatting.table(COLUMNS + PRICE, map(_named, priced), "ll" + 7 * "r")
            lines += ["", calm(cells, task), ""]
            timed = [cell for cell in cells if task in cell.tasks]
            costs = [starting(summaries, cell, task) for cell in timed]
            lines += formatting.table(STARTING, map(_named, costs), "l" + 10 * "r")
    lines += crossovers.markdown(curves(about, run.records()))
    reasons = [(s.cell["key"], s.verdict, s.reason) for s in summaries if s.reason]
    if reasons:
        lines += ["", "## What did not agree or could not run", ""]
        lines += [
            f"- {formatting.escaped(key)}: **{verdict}**: {formatting.escaped(why)}"
            for key, verdict, why in reasons
        ]
    return "\n".join(lines) + "\n"


def _named(row: Sequence[str]) -> Sequence[str]:
    """A row whose first cell is a name that a file or a record made up."""
    return (formatting.escaped(row[0]), *row[1:])


def starting(summaries: Sequence[CellSummary], summary: CellSummary, task: str) -> tuple[str, ...]:
    """One line of a table: ``STARTING`` as text."""
    known = facts(summaries, summary, task)
    pays, against = formatting.since(known["pays_from_calls"]), known["pays_against"]
    steady = known["calls_until_steady"]
    return (
        summary.cell["implementation"],
        *(formatting.seconds(known[f"{name}_seconds"]) for name in ("import", "build", "first_call")),
        "-" if steady is None else f"{steady} calls",
        f"{pays} ({against})" if against else pays,
        *(formatting.seconds(known[f"{name}_seconds"]) for name in ("latency", "latency_p95")),
        *(formatting.size(known[f"{name}_memory_bytes"]) for name in ("peak", "device")),
        known["bound_by"] or "-",
    )


def calm(summaries: Sequence[CellSummary], task: str) -> str:
    """How far the same code was from itself in these rounds, and what could have been seen."""
    timed = [summary.tasks[task] for summary in summaries if task in summary.tasks]
    seen = sorted(t.ratio.detectable for t in timed if t.ratio and t.ratio.word != "baseline")
    noise = next((t.noise for t in timed if t.noise is not None), None)
    told = [] if noise is None else [f"the same code under two names: {noise:.3f}"]
    if seen and seen[len(seen) // 2] < float("inf"):
        told.append(f"of ratios above {seen[len(seen) // 2]:.2f} half would have been called slower")
    if not all(t.fit for t in timed):
        told.append("unfit for fine comparisons: more than 2 % between the same code")
    return "; ".join(told) or "one process, or nothing to compare with: nothing is known of the noise"


def versions(run: Run) -> list[str]:
    """What the workers themselves said that they ran, each once: interpreters may differ."""
    told = [record["framework"]["versions"] for record in run.records("start")]
    return sorted({f"{name} {version}" for versions in told for name, version in versions.items() if version})


def extent(about: Mapping[str, Any]) -> str:
    """How much was asked for: what the intervals are over."""
    profile = about["profile"]
    least = "at least " if profile.get("width") or profile.get("budget") else ""
    processes, rounds = profile["invocations"], profile["rounds"]
    return f"{least}{processes} processes of each implementation, {rounds} rounds in each"


def legend(about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> list[str]:
    """What the columns mean, and how far the intervals of this run can be trusted."""
    invocations, rounds = about["profile"]["invocations"], about["profile"]["rounds"]
    lines = [
        "ratio: time over the baseline's (the row with 1.00) in the same round, below 1 is faster; "
        f"in parentheses its 95 % interval over {invocations} processes of {rounds} rounds. "
        "< is faster, > slower, = a tie (within 2 %), ? unclear: all that a table says so is right together "
        "with probability 99 %."
    ]
    found = ", ".join(
        f"{formatting.flop_rate(rate)} in {dtype} on the {device}"
        for (dtype, device), rate in peaks(summaries).items()
    )
    if found:
        lines.append(f"of peak: flop/s over those of the best matrix product measured here, {found}.")
    kept = {name: value for one in (about.get("inherited") or {}).values() for name, value in one.items()}
    if kept:
        told = ", ".join(f"{name}={value}" for name, value in kept.items())
        lines.append(f"set by whoever started this run, and left as it was: {formatting.escaped(told)}.")
    return lines


def write(run: Run) -> list[Path]:
    """Put ``report.md`` and ``report.csv`` beside the records."""
    page, table = run.folder / "report.md", run.folder / "report.csv"
    try:
        page.write_text(markdown(run), encoding="utf-8")
        frame(run).to_csv(table, index=False)
    except OSError as error:
        raise SamestepError(f"{run.folder} cannot be written: {error.strerror}") from error
    return [page, table]
