"""A run in the terminal: one table for each group of cells, made to fit 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.agreement.verdict import ABSTAINS, AGREE, UNAVAILABLE
from samestep.analysis.cpu_gpu import curves
from samestep.analysis.fastest import Ranking, ranking
from samestep.analysis.summary import CellSummary
from samestep.records.plan import Plan
from samestep.records.store import Run
from samestep.report import crossovers, tables
from samestep.report.legend import comparison_note, legend
from samestep.report.status import status_of
from samestep.report.summaries import groups, main_task, summaries_of, unit

STYLES = {AGREE: "green", UNAVAILABLE: "dim", ABSTAINS: "yellow"}


def show(run: Run, console: Console) -> None:
    """Print a table for each group, what the columns mean, why cells did not agree, and what else there is to
    know of the run."""
    plan, summaries = run.plan, summaries_of(run)
    for heading, group in groups(summaries):
        _show_group(console, plan, heading, group)
    for line in [*crossovers.sentences(curves(plan, run.records())), *legend(plan, summaries)]:
        console.print(line, highlight=False)
    for summary in summaries:
        if summary.reason:
            console.print(
                f"{styled(summary.verdict)} {escape(summary.cell.key)}: {escape(summary.reason)}",
                highlight=False,
            )
    for note in status_of(run).notes():  # not wrapped: a command in it is to be copied
        console.print(escape(str(note)), style="bold", highlight=False, soft_wrap=True)


def styled(verdict: str, star: str = "") -> str:
    """Return a verdict in its color, as Rich's markup."""
    return f"[{STYLES.get(verdict, 'bold red')}]{verdict}{star}[/]"


def _show_group(console: Console, plan: Plan, heading: str, group: Sequence[CellSummary]) -> None:
    task = main_task(group, plan)
    order = ranking(group, task)
    table = Table(
        title=escape(f"{heading}: {unit(group, task)}"), title_justify="left", box=SIMPLE_HEAD, padding=0
    )
    for column in tables.COLUMNS:
        right = column not in ("implementation", "verdict")
        table.add_column(column, justify="right" if right else "left", no_wrap=right)
    for summary in group:
        name, verdict, *numbers = (escape(text) for text in tables.row(summary, task))
        table.add_row(name, styled(verdict), *numbers, style=_row_style(summary, order, task))
    console.print(table)
    if order:
        console.print(comparison_note(plan, group, task), "\n", highlight=False)


def _row_style(summary: CellSummary, order: Ranking | None, task: str) -> str:
    """Return bold for what may be the fastest, dim for what does not surely differ from the baseline."""
    if order and order.decided and any(summary is one for one in (order.first, *order.indistinguishable)):
        return "bold"
    timed = summary.tasks.get(task)
    return "dim" if timed and timed.ratio and timed.ratio.word in ("unclear", "tie") else ""
