"""A run in the terminal: its answers, then a table for each group of cells, in the columns that have room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from samestep.agreement.verdict import ABSTAINS, AGREE, UNAVAILABLE
from samestep.analysis.cpu_gpu import curves
from samestep.analysis.fastest import Ranking
from samestep.analysis.summary import CellSummary
from samestep.records.plan import Plan
from samestep.records.store import Run
from samestep.report import answer_text, crossovers, tables
from samestep.report.legend import comparison_note, legend
from samestep.report.row_order import FASTEST, in_order
from samestep.report.run_answers import Answer, answers
from samestep.report.status import status_of
from samestep.report.summaries import summaries_of

STYLES = {AGREE: "green", UNAVAILABLE: "dim", ABSTAINS: "yellow"}

#: The columns of a table, and what they leave out: the first that there is room for, else the last.
ROOM = (
    (tables.COLUMNS, ""),
    (("implementation", "verdict", "time", "ratio to baseline", "mark"), "of peak, first call"),
    (("implementation", "verdict", "ratio to baseline", "mark"), "time, of peak, first call"),
    (("implementation", "verdict", "ratio", "mark"), "time, the ratios' intervals, of peak, first call"),
)
#: The heads of columns that are narrower than their names.
HEADS = {"ratio to baseline": "ratio to\nbaseline", "of peak": "of\npeak", "first call": "first\ncall"}
#: Wider than any table.
ANY_WIDTH = 10_000


def show(run: Run, console: Console, order: str = FASTEST) -> None:
    """Print the answer of each group; a table for each, its rows in one of `row_order.ORDERS`; what
    the columns mean, why cells did not agree, and what else there is to know of the run."""
    plan, summaries = run.plan, summaries_of(run)
    found = answers(run.name, plan, summaries)
    for one in found:
        _show_answer(console, one)
    left_out = [_show_table(console, plan, one, order) for one in found]
    lines = [*crossovers.sentences(curves(plan, run.records())), *legend(plan, summaries)]
    if most := max(left_out, key=len, default=""):
        lines.append(f"Without room here: {most}; a wider terminal has them.")
    for line in lines:
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


def _show_answer(console: Console, answer: Answer) -> None:
    console.print(escape(answer_text.heading(answer)), highlight=False)
    for number, sentence in enumerate(answer_text.sentences(answer)):
        line = console.render_str(escape(sentence), style="" if number else "bold", highlight=False)
        console.print(Padding(line, (0, 0, 0, 2)), highlight=False)
    console.print()


def _show_table(console: Console, plan: Plan, answer: Answer, order: str) -> str:
    """Print a group's table, and return what there was no room for."""
    wide = console.options.update(width=ANY_WIDTH)
    *roomy, last = [(_table(answer, columns, order), left_out) for columns, left_out in ROOM]
    fitting = (one for one in roomy if Measurement.get(console, wide, one[0]).maximum <= console.width)
    table, left_out = next(fitting, last)
    console.print(table)
    if answer.ranking:
        console.print(comparison_note(plan, answer.cells, answer.task), "\n", highlight=False)
    return left_out


def _table(answer: Answer, columns: Sequence[str], order: str) -> Table:
    """Return a group's table; where its names have no room they are folded, and nothing is cut."""
    title = escape(answer_text.heading(answer))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    for column in columns:
        text = column in ("implementation", "verdict")
        table.add_column(
            HEADS.get(column, column), justify="left" if text else "right", overflow="fold",
            no_wrap=column != "implementation",
        )  # fmt: skip
    for summary in in_order(answer.cells, answer.task, order):
        texts = tables.row(summary, answer.task)
        cells = (styled(texts[name]) if name == "verdict" else escape(texts[name]) for name in columns)
        table.add_row(*cells, style=_row_style(summary, answer.ranking, answer.task))
    return table


def _row_style(summary: CellSummary, order: Ranking | None, task: str) -> str:
    """Return bold for what may be the fastest, dim for what does not surely differ from the baseline."""
    if order and order.decided and any(summary is one for one in (order.first, *order.indistinguishable)):
        return "bold"
    timed = summary.tasks.get(task)
    return "dim" if timed and timed.ratio and timed.ratio.word in ("unclear", "tie") else ""
