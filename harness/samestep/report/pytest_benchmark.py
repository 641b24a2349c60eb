"""A run in pytest-benchmark's JSON, which ``pytest-benchmark compare`` and what is built on it read.

One benchmark for each cell and task that was timed, one of its rounds for each sample. The numbers are
defined as there, and computed with the same exact sums, so that they are the same to the last bit.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from samestep.codec import encode
from samestep.errors import SamestepError
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import Sample
from samestep.records.store import Run
from samestep.report.summaries import summaries_of
from samestep.report.tables import UNIT

NAME = "benchmark.json"
#: The pytest-benchmark whose fields these are.
VERSION = "5.3.1"
#: What is said of a cell beside its name.
CELL = ("workload", "case", "framework", "dtype", "device", "matmul", "threads")


def document(run: Run) -> dict[str, object]:
    """Return the whole file. Cells that did not agree were not timed to their end, and have no benchmark."""
    plan = run.plan
    samples: dict[tuple[str, str], list[Sample]] = {}
    for record in run.records():
        if isinstance(record, Sample) and not record.repeated:  # a repeated one was disturbed and re-measured
            samples.setdefault((record.cell, record.task), []).append(record)
    return {
        "machine_info": _machine(plan),
        "commit_info": _commit(plan),
        "benchmarks": [
            _benchmark(plan, summary.cell, task, samples[summary.cell.key, task])
            for summary in summaries_of(run)
            for task in plan.tasks_of(summary.cell)
            if task in summary.tasks
        ],
        "datetime": _began(plan.run),
        "version": VERSION,
    }


def stats(data: Sequence[float]) -> dict[str, float | str]:
    """Return what pytest-benchmark reports of the seconds of one call, in its order."""
    ordered = sorted(data)
    mean = statistics.mean(data)
    stddev = statistics.stdev(data) if len(data) > 1 else 0
    q1, q3 = _quartile(ordered, 1), _quartile(ordered, 3)
    iqr = q3 - q1
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    inside = [value for value in ordered if low <= value <= high]
    outside_iqr = len(data) - len(inside)
    outside_stddev = sum(value < mean - stddev or value > mean + stddev for value in data)
    total = sum(data)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": len(data),
        "median": statistics.median(data),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside_iqr,
        "stddev_outliers": outside_stddev,
        "outliers": f"{outside_stddev};{outside_iqr}",
        "ld15iqr": inside[0],
        "hd15iqr": inside[-1],
        "ops": len(data) / total if total else 0,
        "total": total,
    }


def _quartile(ordered: Sequence[float], quarters: int) -> float:
    """Return a quartile, by linear interpolation between the two nearest values (Hazen's position)."""
    last = len(ordered) - 1
    place = min(max(len(ordered) * quarters / 4 - 0.5, 0), last)
    below = math.floor(place)
    weight = place - below
    return (1 - weight) * ordered[below] + weight * ordered[min(below + 1, last)]


def _benchmark(plan: Plan, cell: PlannedCell, task: str, samples: Sequence[Sample]) -> dict[str, object]:
    data = [sample.seconds_per_call for sample in samples]
    loops = sorted({sample.loops for sample in samples})
    return {
        "group": f"{cell.of_case} {task} {cell.dtype} {cell.device}",
        "name": cell.implementation,
        "fullname": f"{cell.key}/{task}",
        "params": None,
        "param": None,
        "extra_info": {
            **{name: getattr(cell, name) for name in CELL},
            "task": task,
            "flops": plan.tasks_of(cell)[task].flops,
            "loops": loops,  # each process counts its own: there may be several
            "run": plan.run,
            "machine": plan.machine.words,
            "unit": UNIT,
        },
        "options": encode(plan.profile),
        "stats": {**stats(data), "data": data, "iterations": loops[0]},
    }


def _machine(plan: Plan) -> dict[str, object]:
    """Return the machine under the names that are used there, and what else would make two runs differ."""
    machine = plan.machine
    system, _, release = machine.os.partition(" ")
    return {
        "processor": machine.cpu,
        "system": system,
        "release": release,
        "python_version": machine.python,
        "cpu": {"brand_raw": machine.cpu, "count": machine.processors},
        **{name: getattr(machine, name) for name in ("cores", "governor", "memory_bytes", "gpus")},
        "threads": plan.options.threads,
        "versions": plan.versions or {},
    }


def _commit(plan: Plan) -> dict[str, object]:
    """Return the commit that was measured, or else the revision of samestep: a run does not know more."""
    if one := plan.revision:
        commit = {"id": one.commit, "dirty": False, "project": "(unknown)", "branch": one.asked}
        return {**commit, "time": None, "author_time": None}
    revision = plan.machine.revision
    return {
        "id": revision.removesuffix("-dirty") if revision else "unversioned",
        "time": None,
        "author_time": None,
        "dirty": bool(revision) and str(revision).endswith("-dirty"),
        "project": "samestep",
        "branch": "(unknown)",
    }


def _began(run: str) -> str:
    """Return the time of a run, which names it, without the number behind it where two began at once."""
    day, _, clock = run.partition("T")
    return f"{day}T{clock[:8].replace('-', ':')}+00:00"


def write(run: Run) -> list[Path]:
    """Write ``benchmark.json`` beside the records; the same records give the same bytes."""
    path = run.folder / NAME
    try:
        path.write_text(json.dumps(encode(document(run)), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
    return [path]
