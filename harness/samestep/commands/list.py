"""``samestep list``: what there is, found without importing any framework."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.catalog.catalog import Catalog, Implementation
from samestep.catalog.selection import Options, select
from samestep.catalog.source_facts import opening, said
from samestep.measure.machine import cpu_name, gpus
from samestep.spec import Spec
from samestep.workers.launcher import Workshop


def document(workshop: Workshop, selectors: Sequence[str], options: Options, probe: bool) -> dict[str, Any]:
    """The JSON of ``list``. ``probe`` asks the frameworks themselves, in workers."""
    catalog = workshop.catalog
    wanted = dict.fromkeys((c.workload, c.implementation) for c in select(catalog, selectors, options))
    # Of another interpreter nothing is known until --probe asks it.
    missing = {n: None if n in workshop.pythons else catalog.missing(n) for n in catalog.adapters}
    rungs = [catalog.implementation(*names) for names in wanted]
    listed = {
        "implementations": [_implementation(catalog, rung, missing) for rung in rungs],
        "frameworks": [
            {
                "framework": name,
                "version": _version(workshop, name),
                "available": reason is None,
                "reason": reason,
            }
            for name, reason in missing.items()
        ],
        "devices": [{"device": "cpu", "name": cpu_name()}, *({"device": "gpu", **gpu} for gpu in gpus())],
    }
    if probe:
        _probe(workshop, rungs, options, listed)
    return listed


def _version(workshop: Workshop, framework: str) -> str | None:
    return None if framework in workshop.pythons else workshop.catalog.version(framework)


def _implementation(catalog: Catalog, rung: Implementation, missing: dict[str, str | None]) -> dict[str, Any]:
    reason = missing[rung.framework] if rung.framework in missing else catalog.missing(rung.framework)
    return {
        "workload": rung.workload,
        "implementation": rung.name,
        "framework": rung.framework,
        "read_after": rung.read_after,
        "tasks": list(catalog.tasks(rung)),
        "cases": list(catalog.spec(rung.workload).cases),
        "available": reason is None,
        "reason": reason,
    }


def _probe(
    workshop: Workshop, rungs: Sequence[Implementation], options: Options, listed: dict[str, Any]
) -> None:
    """Start a worker for each framework on each device, and keep what it says of itself."""
    from samestep.workers.process import WorkerLost

    needed = {rung.framework for rung in rungs}
    for row in listed["frameworks"]:
        row["devices"] = {}
        for device in options.devices if row["available"] and row["framework"] in needed else ():
            cell = next(
                c for c in select(workshop.catalog, ["*"], replace(options, devices=(device,)))
                if c.framework == row["framework"]
            )  # fmt: skip
            with workshop.start(cell) as worker:
                try:
                    row["devices"][device] = worker.open(workshop.patience)
                except WorkerLost as lost:
                    row["devices"][device] = {"ok": False, "verdict": lost.verdict.as_dict()}


def show(catalog: Catalog, listed: dict[str, Any], rungs: bool) -> None:
    """What a newcomer needs to see, in 80 columns: every workload with a line, or (``rungs``) those that were
    asked for rung by rung; what they run on; what can be done next."""
    console = Console(highlight=False)
    found: dict[str, list[dict[str, Any]]] = {}
    for rung in listed["implementations"]:
        found.setdefault(rung["workload"], []).append(rung)
    lessons = {name: mine for name, mine in found.items() if catalog.spec(name).lesson}
    if rungs:
        for number, (name, mine) in enumerate(found.items()):
            console.print(*["\n"] * (number > 0), end="")
            _show_rungs(catalog, name, mine, console)
    else:
        _show_workloads(catalog, {name: found[name] for name in found if name not in lessons}, console)
        if lessons:
            console.print("\n[bold]lessons[/], to be read; they are timed only where they are named")
            _show_workloads(catalog, lessons, console)
    _show_here(listed, console)
    _show_next(max(found, key=lambda name: len(catalog.spec(name).cases)), rungs, console)


def _show_workloads(catalog: Catalog, found: dict[str, list[dict[str, Any]]], console: Console) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=max(map(len, catalog.workloads)))
    for name, rungs in found.items():
        frameworks = ", ".join(dict.fromkeys(rung["framework"] for rung in rungs))
        cases = "1 case" if len(rungs[0]["cases"]) == 1 else f"{len(rungs[0]['cases'])} cases"
        table.add_row(f"[bold]{name}[/]", escape(_says(catalog.spec(name))))
        table.add_row("", f"[dim]{cases}; {len(rungs)} rungs: {frameworks}[/]")
    console.print(table)


def _show_rungs(catalog: Catalog, name: str, rungs: list[dict[str, Any]], console: Console) -> None:
    spec = catalog.spec(name)
    console.print(f"[bold]{name}[/]: {escape(_says(spec))}")
    console.print(f"cases: {', '.join(spec.cases)}", f"tasks: {', '.join(spec.tasks)}", "", sep="\n")
    table = Table.grid(padding=(0, 2, 0, 0))
    for rung in rungs:
        line = said(catalog.implementation(name, rung["implementation"]).path.read_text("utf-8"))
        lacking = [task for task in spec.tasks if task not in rung["tasks"]]
        without = f" [dim](no {', '.join(lacking)})[/]" if lacking else ""
        mark = "[dim]" if not rung["available"] else ""
        table.add_row(f"{mark} {rung['implementation']}", f"{mark}{escape(line)}{without}")
    console.print(table)


def _says(spec: Spec) -> str:
    """The first sentence of a spec's module, without its name."""
    return opening(sys.modules[spec.make_inputs.__module__].__doc__).partition(": ")[2]


def _show_here(listed: dict[str, Any], console: Console) -> None:
    """Frameworks and devices, and what brings those that are not here."""
    console.print("\n[bold]here[/]")
    for row in listed["frameworks"]:
        state = row["version"] or "present" if row["available"] else f"[yellow]{escape(row['reason'])}[/]"
        console.print(f"  {row['framework']:<12}{state}", soft_wrap=True)
        for device, heard in row.get("devices", {}).items():
            told = heard.get("verdict", {}).get("reason") or ", ".join(
                f"{key} {value}" for key, value in heard.items() if key != "ok"
            )
            console.print(f"    {device}: {escape(told)}", soft_wrap=True)
    for device in listed["devices"]:
        console.print(f"  {device['device']:<12}{escape(str(device['name']))}")
    if not any(device["device"] == "gpu" for device in listed["devices"]):
        console.print(f"  {'gpu':<12}none found")


def _show_next(workload: str, rungs: bool, console: Console) -> None:
    steps = {
        f"list {workload}": "its rungs, in the order to read them",
        f"check {workload}": "do they agree?",
        f"bench {workload}": "check, then time: which is fastest here?",
        "run": "the main job: everything, then a report",
        f"check {workload} --file MINE.py": "is my own file right?",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    for command, why in steps.items():
        if not (rungs and command.startswith("list")):
            table.add_row(f"  samestep {command}", why)
    console.print("\n[bold]next[/]")
    console.print(table)
