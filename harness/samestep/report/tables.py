"""A run as data frames, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samestep.analysis.cpu_gpu import curves
from samestep.analysis.summary import CellSummary
from samestep.errors import SamestepError
from samestep.records.plan import Plan
from samestep.records.store import Run
from samestep.report import answer_text, crossovers, formatting
from samestep.report.legend import comparison_note, legend, worker_versions
from samestep.report.metrics import metrics_of
from samestep.report.row_order import FASTEST, in_order
from samestep.report.run_answers import answers
from samestep.report.status import Status, status_of
from samestep.report.summaries import groups, summaries_of, unit

if TYPE_CHECKING:
    import pandas as pd

#: The fields of a cell that a row of the CSV begins with.
CELL = ("workload", "case", "implementation", "framework", "dtype", "device", "matmul", "threads")
COLUMNS = ("implementation", "verdict", "time", "ratio to baseline", "mark", "of peak", "first call")
#: Of the implementation, not of the cell: the terminal has no room for them.
CODE_SIZE = ("lines", "changed")
#: What the times of a row are in; ratios and fractions have no unit, and other names end with theirs.
UNIT = "s"
#: What starting costs, and calls that are waited for one by one.
START = (
    "implementation", "import", "build", "first call", "steady after", "break-even", "latency",
    "95th percentile", "memory", "on the device", "bound by",
)  # fmt: skip


def row(summary: CellSummary, task: str) -> dict[str, str]:
    """Return the ``COLUMNS`` of a cell as text, by their names, and its ``ratio`` without an interval."""
    timed = summary.tasks.get(task)
    found = dict.fromkeys((*COLUMNS, "ratio"), "-")
    found |= {"implementation": summary.cell.implementation, "verdict": summary.verdict}
    if timed is None:
        return found
    return found | {
        "time": formatting.time(timed.seconds, timed.steps),
        "ratio to baseline": formatting.interval(timed.ratio),
        "ratio": formatting.ratio(timed.ratio),
        "mark": formatting.mark(timed.ratio),
        "of peak": formatting.percent(timed.fraction_of_peak),
        "first call": formatting.seconds(timed.first_call_seconds),
    }


def texts(found: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ``COLUMNS`` of a row in their order."""
    return tuple(found[name] for name in COLUMNS)


def start_row(summaries: Sequence[CellSummary], summary: CellSummary, task: str) -> tuple[str, ...]:
    """Return ``START`` of a cell that timed the task, as text; ``summaries`` are all cells of the run."""
    found = metrics_of(summaries, summary, task)
    pays = formatting.break_even(found.break_even_calls)
    steady, against = found.calls_until_steady, found.break_even_against
    return (
        summary.cell.implementation,
        *map(formatting.seconds, (found.import_seconds, found.build_seconds, found.first_call_seconds)),
        "-" if steady is None else formatting.counted(steady, "call"),
        f"{pays} ({against})" if against else pays,
        *map(formatting.seconds, (found.latency_seconds, found.latency_p95_seconds)),
        *map(formatting.megabytes, (found.peak_memory_bytes, found.device_memory_bytes)),
        found.bound_by or "-",
    )


def frame(run: Run) -> pd.DataFrame:
    """Return one row for each cell and task, with numbers as they are (seconds, ratios, fractions)."""
    import pandas as pd

    rows, summaries = [], summaries_of(run)
    of_run = {"run": run.name, "machine": run.plan.machine.words, "unit": UNIT}
    for summary in summaries:
        size = run.plan.code_size(summary.cell)
        base: dict[str, object] = {name: getattr(summary.cell, name) for name in CELL}
        base |= {"lines": size.lines, "lines_changed": size.changed}
        base |= {"verdict": summary.verdict, "reason": summary.reason}
        for task in summary.tasks:
            rows.append({**base, "task": task, **metrics_of(summaries, summary, task).to_row(), **of_run})
        if not summary.tasks:
            rows.append(base | of_run)
    return pd.DataFrame(rows).astype({"lines": "Int64", "lines_changed": "Int64"})


def markdown(run: Run, order: str = FASTEST) -> str:
    """Return the answers, and all groups and all tasks as tables to paste, their rows in one of
    `row_order.ORDERS`."""
    plan, summaries = run.plan, summaries_of(run)
    machine = plan.machine
    lines = [
        f"# {run.name}",
        "",
        f"{machine.cpu}, {machine.processors} processors, {plan.options.threads} threads; "
        f"{machine.os}; Python {machine.python}; {', '.join(worker_versions(run))}.",
        "",
        *_notes(status_of(run)),
        *_answers(run),
        *legend(plan, summaries),
        "lines: of the implementation's code, without blank lines, comments and docstrings; changed: how "
        "many of them the implementation that it is read after does not have.",
    ]
    for heading, group in groups(summaries):
        for task in plan.tasks_of(group[0].cell):
            if any(task in one.tasks for one in group):
                lines += [
                    "",
                    f"## {heading}: {unit(group, task)}",
                    "",
                    *_tables(plan, summaries, in_order(group, task, order), task),
                ]
    lines += crossovers.markdown(curves(plan, run.records()))
    return "\n".join([*lines, *_reasons(summaries)]) + "\n"


def _answers(run: Run) -> list[str]:
    """Return a paragraph for each answer."""
    lines = []
    for one in answers(run.name, run.plan, summaries_of(run)):
        first, *others = map(formatting.escaped, answer_text.sentences(one))
        lines += [f"{formatting.escaped(answer_text.heading(one))}: **{first}** {' '.join(others)}", ""]
    return lines


def _notes(status: Status) -> list[str]:
    """Return what there is to know of the run, its commands as blocks of code."""
    lines = []
    for note in status.notes():
        lines += [f"**{formatting.escaped(note.text)}**", ""]
        lines += ["```sh", note.command, "```", ""] if note.command else []
    return lines


def _tables(
    plan: Plan, summaries: Sequence[CellSummary], group: Sequence[CellSummary], task: str
) -> list[str]:
    """Return the times of a task, and what starting costs."""
    sizes = [plan.code_size(one.cell) for one in group]
    rows = [
        (*texts(row(one, task)), formatting.count(size.lines), formatting.count(size.changed))
        for one, size in zip(group, sizes, strict=True)
    ]
    starts = [start_row(summaries, one, task) for one in group if task in one.tasks]
    return [
        *formatting.table(COLUMNS + CODE_SIZE, map(_escaped_name, rows), "ll" + 7 * "r"),
        "",
        comparison_note(plan, group, task),
        "",
        *formatting.table(START, map(_escaped_name, starts), "l" + 10 * "r"),
    ]


def _reasons(summaries: Sequence[CellSummary]) -> list[str]:
    lines = [
        f"- {formatting.escaped(one.cell.key)}: **{one.verdict}**: {formatting.escaped(one.reason)}"
        for one in summaries
        if one.reason
    ]
    return ["", "## Cells that did not agree or could not run", "", *lines] if lines else []


def _escaped_name(texts: Sequence[str]) -> Sequence[str]:
    """Escape the first cell of a row: a name that a file or a record made up."""
    return (formatting.escaped(texts[0]), *texts[1:])


def write(run: Run) -> list[Path]:
    """Write ``report.md`` and ``report.csv`` beside the records."""
    page, table = run.folder / "report.md", run.folder / "report.csv"
    try:
        page.write_text(markdown(run), encoding="utf-8")
        frame(run).to_csv(table, index=False)
    except OSError as error:
        raise SamestepError(f"{run.folder} cannot be written: {error.strerror}") from error
    return [page, table]
