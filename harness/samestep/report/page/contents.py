"""Everything that the page's template shows, the pictures aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from samestep.catalog.source_facts import summary_line
from samestep.records.plan import Plan
from samestep.records.validated import LeftOut, ValidatedRun
from samestep.report.legend import extent
from samestep.report.page.distances import DistanceTable, distance_tables
from samestep.report.page.measurement import Measurement, fingerprint, measurement
from samestep.report.page.verdicts import Matrix, VerdictCell, matrix, verdict_cells
from samestep.report.run_answers import Answer, answers, workload_order
from samestep.report.sources import SPEC
from samestep.report.status import Status, status_of
from samestep.report.summaries import summaries_of

#: More answers of a run, failures, and records that could not be read are too many for a page.
ANSWERS, FAILURES, LEFT_OUT = 40, 100, 50

#: The text of each ``workload/implementation`` and of each ``workload/spec``; None where it has changed.
Sources = Mapping[str, str | None]


@dataclass(frozen=True)
class RunContents:
    """What the page shows of one run; ``more_answers`` and ``more_cells`` count those for which it has no
    room; ``extent`` says how much was measured."""

    name: str
    plan: Plan
    answers: Sequence[Answer]
    more_answers: int
    cells: Sequence[VerdictCell]
    more_cells: int
    distances: Sequence[DistanceTable]
    fingerprint: Sequence[tuple[str, str]]
    measurement: Measurement
    extent: str
    status: Status


@dataclass(frozen=True)
class Contents:
    """What the page shows of all runs.

    ``workload_descriptions`` and ``implementation_descriptions`` (by ``workload/implementation``) are what
    the files say of themselves, where they are those that ran; ``filters`` has the values of each filter that
    a reader may choose from.
    """

    runs: Sequence[RunContents]
    answers: Sequence[Answer]
    cells: Sequence[VerdictCell]
    matrices: Sequence[Matrix]
    failures: Sequence[VerdictCell]
    more_failures: int
    left_out: Sequence[LeftOut]
    more_left_out: int
    unfinished: Sequence[RunContents]
    filters: Mapping[str, Sequence[str]]
    workload_descriptions: Mapping[str, str]
    implementation_descriptions: Mapping[str, str]


def contents(runs: Sequence[ValidatedRun], sources: Sources, left_out: Sequence[LeftOut]) -> Contents:
    """Return what the page shows of these runs."""
    found = [_run_contents(run) for run in runs]
    cells = [cell for run in found for cell in run.cells]
    first = accumulate((len(run.cells) for run in found), initial=0)
    failures = [cell for cell in cells if cell.reason or cell.stderr]
    workloads, implementations = _descriptions(sources)
    return Contents(
        runs=found,
        answers=[one for run in found for one in run.answers],
        cells=cells,
        matrices=[matrix(run.name, run.cells, number) for run, number in zip(found, first, strict=False)],
        failures=failures[:FAILURES],
        more_failures=len(failures[FAILURES:]),
        left_out=left_out[:LEFT_OUT],
        more_left_out=len(left_out[LEFT_OUT:]),
        unfinished=[run for run in found if run.status.left],
        filters=_filters(cells),
        workload_descriptions=workloads,
        implementation_descriptions=implementations,
    )


def _run_contents(run: ValidatedRun) -> RunContents:
    """Return what the page shows of a run, all of it in the order of the workloads of its answers."""
    name, records, summaries = run.name, list(run.records()), summaries_of(run)
    found = answers(name, run.plan, summaries)
    place = workload_order(found)
    ordered = sorted(summaries, key=lambda one: place[one.cell.workload])
    cells = verdict_cells(name, ordered, records)
    distances = distance_tables(name, run.plan, records)
    return RunContents(
        name=name,
        plan=run.plan,
        answers=found[:ANSWERS],
        more_answers=len(found[ANSWERS:]),
        cells=cells,
        more_cells=len(summaries) - len(cells),
        distances=sorted(distances, key=lambda one: place[one.workload]),
        fingerprint=fingerprint(run),
        measurement=measurement(summaries),
        extent=extent(run.plan, summaries),
        status=status_of(run),
    )


def _descriptions(sources: Sources) -> tuple[dict[str, str], dict[str, str]]:
    """Return what each workload and each implementation says of itself."""
    found = {name: summary_line(text) for name, text in sorted(sources.items()) if text is not None}
    workloads, implementations = {}, {}
    for name, text in found.items():
        workload, _, file = name.partition("/")
        if file == SPEC:
            workloads[workload] = text.partition(": ")[2]  # it begins with the workload's name
        elif text:
            implementations[name] = text
    return workloads, implementations


def _filters(cells: Sequence[VerdictCell]) -> dict[str, list[str]]:
    """Return what a reader may choose from; a choice of one is none."""
    values = {
        "run": [one.run for one in cells],
        "workload": [one.cell.workload for one in cells],
        "framework": [one.cell.framework for one in cells],
        "device": [one.cell.device for one in cells],
    }
    return {name: list(dict.fromkeys(each)) for name, each in values.items() if len(set(each)) > 1}
