"""``samestep list``: what there is, found without importing any framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.catalog import Catalog, Implementation
from harness.measure.machine import cpu_name, gpus
from harness.runner import Workshop
from harness.selection import Options, select


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
    from harness.process import WorkerLost

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


def show(listed: dict[str, Any]) -> None:
    """What a newcomer needs to see, in 80 columns."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    workload = None
    for rung in listed["implementations"]:
        if rung["workload"] != workload:
            workload = rung["workload"]
            console.print(f"\n[bold]{workload}[/]  cases: {', '.join(rung['cases'])}")
        mark = " " if rung["available"] else "[yellow]-[/]"
        console.print(
            f" {mark} {rung['implementation']:<27}[dim]{', '.join(rung['tasks'])}[/]", soft_wrap=True
        )
    console.print("\n[bold]frameworks[/]")
    for row in listed["frameworks"]:
        state = row["version"] or "present" if row["available"] else f"[yellow]{escape(row['reason'])}[/]"
        console.print(f"   {row['framework']:<12}{state}", soft_wrap=True)
        for device, said in row.get("devices", {}).items():
            told = said.get("verdict", {}).get("reason") or ", ".join(
                f"{key} {value}" for key, value in said.items() if key != "ok"
            )
            console.print(f"     {device}: {escape(told)}", soft_wrap=True)
    console.print("\n[bold]devices[/]")
    for device in listed["devices"]:
        console.print(f"   {device['device']}: {device['name']}")
    console.print("\nnext: [bold]samestep check two_layer[/] or [bold]samestep run[/]")
