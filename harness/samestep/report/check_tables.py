"""Agreement in the terminal: verdicts, what they rest on, free runs, and the distance of every two rungs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.report.terminal import style

Result = Mapping[str, Any]


def show(results: Sequence[Result], console: Console) -> None:
    """One row for each implementation and case, one column for each dtype and device; then the reasons."""
    columns = list(dict.fromkeys((r["dtype"], r["device"]) for r in results))
    table = Table(box=SIMPLE_HEAD, padding=0)
    table.add_column("implementation", no_wrap=True)
    table.add_column("case", overflow="fold")
    for dtype, device in columns:
        table.add_column(dtype if device == "cpu" else f"{dtype} {device}")
    rows: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    for r in results:
        row = rows.setdefault((r["workload"], r["implementation"], r["case"]), {})
        star = "*" if r["departs"] else ""
        row[r["dtype"], r["device"]] = f"[{style(r['verdict'])}]{r['verdict']}{star}[/]"
    workload = None
    for (name, implementation, case), verdicts in rows.items():
        if workload not in (None, name):
            table.add_section()
        workload = name
        table.add_row(f"{name}/{implementation}", escape(case), *(verdicts.get(c, "") for c in columns))
    console.print(table)
    for line in _footnotes(results):
        console.print(line, highlight=False, soft_wrap=True)


def _footnotes(results: Sequence[Result]) -> list[str]:
    departures: dict[str, dict[str, None]] = {}  # of each the dtypes, once
    lines = []
    for r in results:
        if r["reason"]:
            verdict = f"[{style(r['verdict'])}]{r['verdict']}[/]"
            lines.append(f"{verdict} {escape(_where(r))}: {escape(r['reason'])}")
        lines += [f"{escape(_where(r))}: {escape(note)}" for note in r["notes"]]
        for probe, why in r["departs"].items():
            line = f"* {r['workload']}/{r['implementation']}, {probe}: {why}"
            departures.setdefault(line, {})[r["dtype"]] = None
    return [*lines, *(escape(f"{line} ({', '.join(dtypes)})") for line, dtypes in departures.items())]


def _where(r: Result) -> str:
    return f"{r['workload']}:{r['case']}/{r['implementation']} {r['dtype']} {r['device']}"


def explain(results: Sequence[Result], console: Console) -> None:
    """For each cell and tensor what its limits are made of, and how far from them it is."""
    for r in results:
        if not r["tensors"]:
            continue
        table = Table(title=escape(_where(r)), title_justify="left", box=SIMPLE_HEAD, padding=0)
        for name in ("tensor", "n", "sigma", "worst", "norm", "scale", "proof"):
            table.add_column(name, justify="left" if name == "tensor" else "right")
        for name, seen in r["tensors"].items():
            proof = seen["certificate"]
            table.add_row(
                name,
                f"{seen['terms']}",
                f"{seen['sigma']:.1e}",
                f"{seen['elements']:.2f}/{seen['elements_limit']:.0f}",
                f"{seen['norm']:.2f}/{seen['norm_limit']:.1f}",
                f"{abs(seen['scale']):.0e}/{seen['scale_limit']:.0e}",
                "" if proof is None else f"{proof:.0e}",
            )
        console.print(table)
        if r["precision"]:
            told = r["precision"]
            console.print(
                f"computed in {told['label']}: the error of {told['tensor']} is {told['ratio']:.2f} sigma",
                highlight=False,
            )  # fmt: skip
    u = {"float32": "2^-24", "float64": "2^-53"}
    used = ", ".join(f"{u[dtype]} in {dtype}" for dtype in dict.fromkeys(r["dtype"] for r in results))
    console.print(
        f"u, the unit roundoff, is {used}; one rounding error has the standard deviation u/sqrt(3). "
        "n: terms of the longest sum on the way to the tensor. sigma: the standard deviation of honest "
        "errors, from running the reference with noise (root mean square over the elements). worst: the "
        "largest |error| / sigma. norm: ||error|| / ||sigma||. scale: how far from 1 the factor is between "
        "what came and what was expected. Each stands before its limit, at the step that came nearest to "
        "it. proof: the largest share of the proven bound, where that was asked.",
        style="dim", highlight=False,
    )  # fmt: skip


def show_trajectories(results: Sequence[Result], console: Console) -> None:
    """Where free runs are after 1, 2, 5, 10 ... steps, and how their distance grows."""
    free = [r for r in results if r.get("trajectory")]
    if not free:
        console.print("No free run: nothing here is trained.", style="dim")
        return
    steps = [
        n for n in (1, 2, 5, 10, 50, 100, 500) if any(len(r["trajectory"]["distance"]) >= n for r in free)
    ]
    table = Table(
        title="A free run's distance from the reference: never a verdict", title_justify="left",
        box=SIMPLE_HEAD, padding=0,
    )  # fmt: skip
    table.add_column("cell", overflow="fold")
    for n in steps:
        table.add_column(f"{n}", justify="right")
    table.add_column("growth", justify="right")
    table.add_column("absorbed", justify="right")
    for r in free:
        run = r["trajectory"]
        distances = [f"{run['distance'][n - 1]:.0e}" if n <= len(run["distance"]) else "" for n in steps]
        growth = "" if run["growth"] is None else f"{run['growth']:.2f}"
        absorbed = "-" if run["absorbed_from"] is None else f"step {run['absorbed_from']}"
        table.add_row(f"{r['workload']}/{r['implementation']} {r['dtype']}", *distances, growth, absorbed)
    console.print(table)
    console.print(
        "After so many steps: ||w - w_reference|| / ||w_reference||. growth: its factor a step. absorbed: "
        "the first step that more than half of the weights did not feel.", style="dim", highlight=False,
    )  # fmt: skip


def show_distances(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A matrix for each group of cells: the difference in sigma, "=" where all bits are the same."""
    groups: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for pair in found:
        workload, first, *rest = pair["a"].split("/")
        second = pair["b"].split("/")[1]
        cells = groups.setdefault((workload, " ".join(rest[:2])), {})
        cells[first, second] = cells[second, first] = "=" if pair["identical"] else f"{pair['rms']:.1f}"
    for (workload, about), cells in groups.items():
        names = list(dict.fromkeys(name for pair in cells for name in pair))
        table = Table(
            title=escape(f"{workload}, {about}"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1)
        )
        table.add_column("", no_wrap=True)
        for number in range(1, len(names) + 1):
            table.add_column(f"{number}", justify="right")
        for number, name in enumerate(names, start=1):
            table.add_row(f"{number} {name}", *(cells.get((name, other), "") for other in names))
        console.print(table)
    console.print(
        "Root mean square difference of two rungs' first steps, in sigma; = where all bits are the same.",
        style="dim", highlight=False,
    )  # fmt: skip
