"""From a selection to the plan of a run: its cells, what they are compared with, and how much is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psutil

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.catalog.code_size import code_sizes
from samestep.catalog.identity import identities
from samestep.catalog.selection import comparison_groups
from samestep.errors import SamestepError
from samestep.jobs.rounds import Group
from samestep.measure.fingerprint import fingerprint
from samestep.records.plan import Plan, PlannedCell, Profile, RunOptions, TaskFacts, planned
from samestep.workers.environment import environment, inherited

#: Workers alive at once, whatever the memory: a baseline, its A/A copy and two others at least.
FEWEST, MOST = 4, 32

#: Memory that is set aside for each, in bytes: the largest, TensorFlow's, hold 0.9 GiB.
WORKER_BYTES = 2**30

PROFILES = {"quick": Profile(invocations=2, rounds=4), "full": Profile(invocations=20, rounds=8)}


def networks(catalog: Catalog) -> list[str]:
    """Return what is timed where nothing was selected: no lesson, and nothing that wants to be selected.

    Of folders of the user's own it is what they hold. Raises SamestepError where none of it can be used.
    """
    names = [name for name in catalog.of_own_folders or catalog.workloads if catalog.usable(name)]
    if not names:
        raise next(iter(catalog.left_out.values()))
    specs = {name: catalog.spec(name) for name in names}
    return [name for name, spec in specs.items() if not (spec.lesson or spec.timed_where_selected)] or names


def room() -> int:
    """Return how many workers this machine's memory has room for."""
    return int(min(max(psutil.virtual_memory().total // WORKER_BYTES, FEWEST), MOST))


def make_plan(
    catalog: Catalog, cells: Sequence[Cell], selectors: Sequence[str], options: RunOptions, profile: Profile
) -> Plan:
    """Return what was asked, of what, on what: everything that a report needs besides the samples.

    Raises SamestepError where nothing is selected.
    """
    if not cells:
        raise SamestepError("nothing is selected")
    frameworks = sorted({cell.framework for cell in cells} & set(catalog.adapters))
    return Plan(
        run="",  # named when its folder is made
        selectors=selectors,
        options=options,
        profile=profile,
        machine=fingerprint(),
        environment={device: environment(device, options.threads) for device in options.devices},
        inherited={device: inherited(device) for device in options.devices},
        versions={name: catalog.version(name) for name in frameworks},
        cells=planned_cells(catalog, cells),
        tasks={cell.of_case: _tasks(catalog, cell) for cell in cells},
        sources=identities(catalog, cells),
        code_sizes=code_sizes(catalog, cells),
    )


def planned_cells(catalog: Catalog, cells: Sequence[Cell]) -> list[PlannedCell]:
    """Return the cells, each with the baseline of its comparison group."""
    baselines = {cell: group[0] for group in comparison_groups(catalog, cells) for cell in group}
    return [planned(cell, baselines[cell].key) for cell in cells]


def _tasks(catalog: Catalog, cell: Cell) -> dict[str, TaskFacts]:
    spec = catalog.spec(cell.workload)
    case = spec.case(cell.case)
    return {name: TaskFacts(float(task.flops(case))) for name, task in spec.tasks.items()}


def groups(catalog: Catalog, plan: Plan) -> list[Group]:
    """Return the groups of cells that are measured side by side, as many workers as the profile allows.

    Where a comparison group is larger, its baseline runs in every batch, with its A/A copy, so that each
    ratio is taken between neighbours.
    """
    batches = _batches(catalog, plan.cells, plan.profile.alive)
    return [Group(number, cells) for number, cells in enumerate(batches)]


def _batches(catalog: Catalog, cells: Sequence[PlannedCell], size: int) -> Iterator[list[PlannedCell]]:
    for first, *rest in comparison_groups(catalog, cells):
        always = [first, *(cell for cell in rest if cell.aa_copy)]
        others, left = [cell for cell in rest if not cell.aa_copy], size - len(always)
        for start in range(0, len(others) or 1, left):
            yield [*always, *others[start : start + left]]
