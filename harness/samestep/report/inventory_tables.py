"""What there is, in the terminal: workloads or implementations, what they run on, what can be done next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.catalog.catalog import Catalog
from samestep.catalog.source_facts import first_paragraph, summary_line
from samestep.codec import encode
from samestep.records.inventory import Inventory, ListedImplementation, ProbedDevice
from samestep.spec import Spec

#: Implementations by workload.
Listed = Mapping[str, Sequence[ListedImplementation]]

NEXT = {
    "list {}": "its implementations, in reading order",
    "check {}": "do they agree?",
    "bench {}": "check, then time: which is fastest?",
    "run": "everything, then a report",
    "check {} --file MINE.py": "is my own file right?",
}

#: What to do next with a port file.
NEXT_OF_PORT = {
    "check {}": "do they compute the same function?",
    "limits {}": "how large are errors of float32 here?",
    "run {}": "check, time, and draw a page",
}


def show(
    catalog: Catalog,
    inventory: Inventory,
    console: Console,
    *,
    implementations: bool,
    roots: Sequence[Path] = (),
) -> None:
    """Print what a newcomer needs to see, in 80 columns: every workload with a line, or
    (``implementations``) the selected ones one by one. ``roots`` are further folders as the user named them,
    which stand in every command that comes next."""
    found: dict[str, list[ListedImplementation]] = {}
    for one in inventory.implementations:
        found.setdefault(one.workload, []).append(one)
    if implementations:
        for number, (name, mine) in enumerate(found.items()):
            console.print(*["\n"] * (number > 0), end="")
            _show_implementations(catalog, name, mine, console)
    else:
        lessons = {name: mine for name, mine in found.items() if catalog.spec(name).lesson}
        _show_workloads(catalog, {name: found[name] for name in found if name not in lessons}, console)
        if lessons:
            console.print("\n[bold]lessons[/], to be read; they are timed only where they are named")
            _show_workloads(catalog, lessons, console)
    _show_here(inventory, console)
    shown = [name for name in found if name in catalog.of_own_folders] or list(found)
    workload = max(shown, key=lambda name: len(catalog.spec(name).cases))
    _show_next(workload, implementations, roots, console)


def _show_workloads(catalog: Catalog, found: Listed, console: Console) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=max(map(len, catalog.workloads)))
    for name, mine in found.items():
        frameworks = ", ".join(dict.fromkeys(one.framework for one in mine))
        cases = "1 case" if len(mine[0].cases) == 1 else f"{len(mine[0].cases)} cases"
        table.add_row(f"[bold]{name}[/]", escape(_summary(catalog.spec(name))))
        table.add_row("", f"[dim]{cases}; {len(mine)} implementations: {frameworks}[/]")
    console.print(table)


def _show_implementations(
    catalog: Catalog, name: str, mine: Sequence[ListedImplementation], console: Console
) -> None:
    spec = catalog.spec(name)
    console.print(f"[bold]{name}[/]: {escape(_summary(spec))}")
    console.print(f"cases: {', '.join(spec.cases)}", f"tasks: {', '.join(spec.tasks)}", "", sep="\n")
    table = Table.grid(padding=(0, 2, 0, 0))
    for one in mine:
        line = summary_line(catalog.implementation(name, one.implementation).path.read_text("utf-8"))
        lacking = [task for task in spec.tasks if task not in one.tasks]
        without = f" [dim](no {', '.join(lacking)})[/]" if lacking else ""
        mark = "[dim]" if not one.available else ""
        table.add_row(f"{mark} {one.implementation}", f"{mark}{escape(line)}{without}")
    console.print(table)


def _summary(spec: Spec) -> str:
    """Return the first sentence of a spec's module, without its name; else its summary."""
    module = sys.modules.get(getattr(spec.make_inputs, "__module__", ""))
    return first_paragraph(module.__doc__ if module else "").partition(": ")[2] or spec.summary


def _show_here(inventory: Inventory, console: Console) -> None:
    """Print frameworks and devices, and what installs those that are not here."""
    console.print("\n[bold]here[/]")
    for row in inventory.frameworks:
        state = row.version or "present" if row.available else f"[yellow]{escape(str(row.reason))}[/]"
        console.print(f"  {row.framework:<12}{state}", soft_wrap=True)
        for device, probed in (row.devices or {}).items():
            console.print(f"    {device}: {escape(_probed(probed))}", soft_wrap=True)
    for one in inventory.devices:
        console.print(f"  {one.device:<12}{escape(str(one.name))}")
    if not any(one.device == "gpu" for one in inventory.devices):
        console.print(f"  {'gpu':<12}none found")


def _probed(probed: ProbedDevice) -> str:
    """Return what a framework reports of itself, or why it does not."""
    if probed.verdict:
        return str(probed.verdict.reason)
    return ", ".join(f"{name} {value}" for name, value in encode(probed.facts).items())


def _show_next(workload: str, implementations: bool, roots: Sequence[Path], console: Console) -> None:
    port = next((str(root) for root in roots if root.name == f"{workload}.py"), None)
    impls = "".join(f" --impls {shlex.quote(str(root))}" for root in roots) if port is None else ""
    commands = {
        f"  samestep {command.format(shlex.quote(port or workload))}{impls}": why
        for command, why in (NEXT if port is None else NEXT_OF_PORT).items()
        if not (implementations and command.startswith("list"))
    }
    width = max(map(len, commands)) + 2
    console.print("\n[bold]next[/]")
    for command, why in commands.items():
        console.print(escape(f"{command:<{width}}{why}"), soft_wrap=True)
