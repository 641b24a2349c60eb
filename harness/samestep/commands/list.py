"""``samestep list``: what there is, found without importing any framework."""

from __future__ import annotations

import click

from samestep.codec import encode
from samestep.commands.options import Selection, emit, selection
from samestep.jobs.listing import probe, take_inventory


@click.command("list")
@selection(dtypes=("float32",))
@click.option("--probe", "ask", is_flag=True, help="Start workers and ask the frameworks themselves.")
def command(asked: Selection, form: str, ask: bool) -> None:
    """What there is: workloads, implementations, frameworks, devices."""
    inventory = take_inventory(asked.catalog, asked.selectors, asked.options, asked.pythons)
    asked.tell((one.workload, one.implementation) for one in inventory.implementations)
    if ask:
        inventory = probe(inventory, asked.launcher, asked.options)
    if form == "table":
        from samestep.report.inventory_tables import show
        from samestep.report.printable_console import PrintableConsole

        console = PrintableConsole(highlight=False)
        show(asked.catalog, inventory, console, implementations=bool(asked.selectors), roots=asked.roots)
    else:
        emit(form, inventory, [encode(one) for one in inventory.implementations])
    asked.require()
