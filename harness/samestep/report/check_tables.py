"""Agreement in the terminal: verdicts, what they rest on, free runs, distances between implementations."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.agreement.findings import FreeRun, TensorStatistics
from samestep.agreement.verdict import AGREE
from samestep.records.check_results import CellPair, CheckResult
from samestep.report.terminal import styled

#: The unit roundoff of a dtype, for a person.
ROUNDOFF = {"float32": "2^-24", "float64": "2^-53"}
TENSOR_COLUMNS = ("tensor", "n", "sigma", "worst", "norm", "scale", "bound")
#: The steps after which the distance of a free run is shown.
STEPS = (1, 2, 5, 10, 50, 100, 500)


def show(results: Sequence[CheckResult], console: Console) -> None:
    """Print a row for each implementation and case, a column for each dtype and device; then the reasons."""
    columns = list(dict.fromkeys((one.cell.dtype, one.cell.device) for one in results))
    table = Table(box=SIMPLE_HEAD, padding=0)
    table.add_column("implementation", no_wrap=True)
    table.add_column("case", overflow="fold")
    for dtype, device in columns:
        table.add_column(dtype if device == "cpu" else f"{dtype} {device}")
    rows: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    for one in results:
        cell, verdict = one.cell, one.verdict
        row = rows.setdefault((cell.workload, cell.implementation, cell.case), {})
        row[cell.dtype, cell.device] = styled(verdict.verdict, "*" if verdict.departs else "")
    workload = None
    for (name, implementation, case), verdicts in rows.items():
        if workload not in (None, name):
            table.add_section()
        workload = name
        table.add_row(f"{name}/{implementation}", escape(case), *(verdicts.get(c, "") for c in columns))
    console.print(table)
    for line in _footnotes(results):
        console.print(line, highlight=False, soft_wrap=True)


def _footnotes(results: Sequence[CheckResult]) -> list[str]:
    """Return the reasons and the notes of each cell, then each declared departure with its dtypes."""
    departures: dict[str, dict[str, None]] = {}  # the dtypes, each once
    lines = []
    for one in results:
        cell, verdict = one.cell, one.verdict
        if verdict.reason:
            lines.append(f"{styled(verdict.verdict)} {escape(cell.label)}: {escape(verdict.reason)}")
        lines += [f"{escape(cell.label)}: {escape(note)}" for note in verdict.notes]
        for probe, reason in verdict.departs.items():
            line = f"* {cell.workload}/{cell.implementation}, {probe}: {reason}"
            departures.setdefault(line, {})[cell.dtype] = None
    return [*lines, *(escape(f"{line} ({', '.join(dtypes)})") for line, dtypes in departures.items())]


def explain(results: Sequence[CheckResult], console: Console) -> None:
    """Print for each cell and tensor what its limits are made of, and how near it came to them."""
    for one in results:
        if not one.verdict.tensors:
            continue
        table = Table(title=escape(one.cell.label), title_justify="left", box=SIMPLE_HEAD, padding=0)
        for column in TENSOR_COLUMNS:
            table.add_column(column, justify="left" if column == "tensor" else "right")
        for name, statistics in one.verdict.tensors.items():
            table.add_row(name, *_tensor_row(statistics))
        console.print(table)
        if found := one.verdict.precision:
            console.print(
                f"computed in {found.label}: the error of {found.tensor} is {found.ratio:.2f} sigma",
                highlight=False,
            )
    dtypes = dict.fromkeys(one.cell.dtype for one in results)
    units = ", ".join(f"{ROUNDOFF[dtype]} in {dtype}" for dtype in dtypes)
    console.print(
        f"u, the unit roundoff, is {units}; one rounding error has the standard deviation u/sqrt(3). "
        "n: terms of the longest sum that leads to the tensor. sigma: the standard deviation of rounding "
        "errors, from evaluating the reference with noise (root mean square over the elements). worst: the "
        "largest |error| / sigma. norm: ||error|| / ||sigma||. scale: how far from 1 the common factor "
        "between result and expectation is. Each stands before its limit, at the step where it came nearest "
        "to it. bound: the largest |error| as a part of the proven bound, where that was computed.",
        style="dim", highlight=False,
    )  # fmt: skip


def _tensor_row(one: TensorStatistics) -> tuple[str, ...]:
    return (
        f"{one.terms}",
        f"{one.sigma:.1e}",
        f"{one.elements:.2f}/{one.elements_limit:.0f}",
        f"{one.norm:.2f}/{one.norm_limit:.1f}",
        f"{abs(one.scale):.0e}/{one.scale_limit:.0e}",
        "" if one.certificate is None else f"{one.certificate:.0e}",
    )


def show_free_runs(results: Sequence[CheckResult], console: Console) -> None:
    """Print how far free runs are from the reference after 1, 2, 5, 10 ... steps, and how that grows."""
    runs = [(one.cell, one.free_run) for one in results if one.free_run]
    if not runs:
        console.print("No free run: nothing here is trained.", style="dim")
        return
    steps = [step for step in STEPS if any(len(run.distance) >= step for _, run in runs)]
    table = Table(
        title="A free run's distance from the reference: never a verdict", title_justify="left",
        box=SIMPLE_HEAD, padding=0,
    )  # fmt: skip
    table.add_column("cell", overflow="fold")
    for column in (*map(str, steps), "growth", "lost from"):
        table.add_column(column, justify="right")
    for cell, run in runs:
        table.add_row(f"{cell.workload}/{cell.implementation} {cell.dtype}", *_free_run_row(run, steps))
    console.print(table)
    console.print(
        "After N steps: ||w - w_reference|| / ||w_reference||. growth: its factor in one step. lost from: "
        "the first step in which more than half of the updates were lost to rounding.",
        style="dim", highlight=False,
    )  # fmt: skip


def _free_run_row(run: FreeRun, steps: Sequence[int]) -> tuple[str, ...]:
    return (
        *(f"{run.distance[step - 1]:.0e}" if step <= len(run.distance) else "" for step in steps),
        "" if run.growth is None else f"{run.growth:.2f}",
        "-" if run.absorbed_from is None else f"step {run.absorbed_from}",
    )


def show_distances(pairs: Sequence[CellPair], results: Sequence[CheckResult], console: Console) -> None:
    """Print a matrix for each case, dtype and device: distances in sigma, "=" where all bits are equal;
    behind the names the verdicts of those that do not agree."""
    if not pairs:
        console.print("No two implementations gave a tensor in common: there is nothing to hold together.")
        return
    wrong = {one.cell.key: f" ({one.verdict.verdict})" for one in results if one.verdict.verdict != AGREE}
    matrices: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    for pair in pairs:
        one, other = (f"{cell.implementation}{wrong.get(cell.key, '')}" for cell in (pair.a, pair.b))
        matrix = matrices.setdefault((pair.a.of_case, pair.a.dtype, pair.a.device), {})
        matrix[one, other] = matrix[other, one] = (
            "=" if pair.distance.identical else f"{pair.distance.rms:.1f}"
        )
    for (case, dtype, device), matrix in matrices.items():
        names = list(dict.fromkeys(name for pair in matrix for name in pair))
        title = escape(f"{case}, {dtype} {device}")
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
        table.add_column("implementation", no_wrap=True)
        for number in range(1, len(names) + 1):
            table.add_column(f"{number}", justify="right")
        for number, name in enumerate(names, start=1):
            table.add_row(f"{number} {escape(name)}", *(matrix.get((name, other), "") for other in names))
        console.print(table)
    console.print(
        "Root mean square difference between the first steps of two implementations, in sigma, over the "
        "tensors that both gave and the elements that rounding moves; = where all bits are equal.",
        style="dim", highlight=False,
    )  # fmt: skip
