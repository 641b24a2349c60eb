"""What there is: implementations, frameworks, devices; found without importing any framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.ladder import Implementation
from samestep.catalog.selection import select
from samestep.measure.hardware import cpu_name, gpus
from samestep.records.inventory import (
    Inventory,
    ListedDevice,
    ListedFramework,
    ListedImplementation,
    ProbedDevice,
)

if TYPE_CHECKING:
    from samestep.workers.launcher import Launcher


def take_inventory(
    catalog: Catalog, selectors: Sequence[str], options: Options, pythons: Mapping[str, str]
) -> Inventory:
    """Return what the selectors mean, and on what it can run. Raises SamestepError as `select` does."""
    wanted = dict.fromkeys((c.workload, c.implementation) for c in select(catalog, selectors, options))
    # Of another interpreter nothing is known until a worker is started with it.
    missing = {name: None if name in pythons else catalog.missing(name) for name in catalog.adapters}
    return Inventory(
        [_implementation(catalog, catalog.implementation(*names), missing) for names in wanted],
        [
            ListedFramework(name, None if name in pythons else catalog.version(name), reason is None, reason)
            for name, reason in missing.items()
        ],
        [ListedDevice("cpu", cpu_name()), *(ListedDevice("gpu", gpu.name, gpu) for gpu in gpus())],
    )


def _implementation(
    catalog: Catalog, rung: Implementation, missing: Mapping[str, str | None]
) -> ListedImplementation:
    reason = missing[rung.framework] if rung.framework in missing else catalog.missing(rung.framework)
    return ListedImplementation(
        rung.workload, rung.name, rung.framework, rung.read_after, catalog.tasks(rung),
        tuple(catalog.spec(rung.workload).cases), reason is None, reason,
    )  # fmt: skip


def probe(inventory: Inventory, launcher: Launcher, options: Options) -> Inventory:
    """Start a worker for each framework on each device, and add what it reports of itself."""
    needed = {rung.framework for rung in inventory.implementations}
    return replace(
        inventory,
        frameworks=[
            replace(
                row,
                devices={
                    device: _probe(launcher, row.framework, replace(options, devices=(device,)))
                    for device in (options.devices if row.available and row.framework in needed else ())
                },
            )
            for row in inventory.frameworks
        ],
    )


def _probe(launcher: Launcher, framework: str, options: Options) -> ProbedDevice:
    from samestep.workers.process import NoAnswer

    every = select(launcher.catalog, ["*"], options)
    cell = next(cell for cell in every if cell.framework == framework)
    with launcher.start(cell) as worker:
        try:
            return ProbedDevice(True, launcher.open(worker, cell).facts)
        except NoAnswer as failure:
            return ProbedDevice(False, verdict=failure.verdict)
