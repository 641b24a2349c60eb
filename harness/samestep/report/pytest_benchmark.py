"""A run in pytest-benchmark's JSON, which ``pytest-benchmark compare`` and what is built on it read.

One benchmark for each cell and task that was timed, one of its rounds for each sample. The numbers are
defined as there, and computed with the same exact sums, so that they are the same to the last bit.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.errors import SamestepError
from samestep.records.store import Record, Run, finite
from samestep.records.validated import summarized

NAME = "benchmark.json"
#: The pytest-benchmark whose fields these are.
VERSION = "5.3.1"


def document(run: Run) -> dict[str, Any]:
    """The whole file. Cells that did not agree were not timed to their end, and have no benchmark."""
    about = run.about
    samples: dict[tuple[str, str], list[Record]] = {}
    for record in run.records("sample"):
        if record.get("repeated"):  # it was disturbed, and taken again
            continue
        samples.setdefault((record["cell"], record["task"]), []).append(record)
    return {
        "machine_info": _machine(about),
        "commit_info": _commit(about["machine"].get("revision")),
        "benchmarks": [
            _benchmark(about, summary.cell, task, samples[summary.cell["key"], task])
            for summary in summarized(run)
            for task in about["tasks"][f"{summary.cell['workload']}:{summary.cell['case']}"]
            if task in summary.tasks
        ],
        "datetime": _began(about["run"]),
        "version": VERSION,
    }


def stats(data: Sequence[float]) -> dict[str, Any]:
    """What pytest-benchmark tells of the seconds of one call, in its order."""
    ordered = sorted(data)
    mean = statistics.mean(data)
    stddev = statistics.stdev(data) if len(data) > 1 else 0
    q1, q3 = _quartile(ordered, 1), _quartile(ordered, 3)
    iqr = q3 - q1
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    near = [value for value in ordered if low <= value <= high]
    far = len(data) - len(near)
    apart = sum(value < mean - stddev or value > mean + stddev for value in data)
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
        "iqr_outliers": far,
        "stddev_outliers": apart,
        "outliers": f"{apart};{far}",
        "ld15iqr": near[0],
        "hd15iqr": near[-1],
        "ops": len(data) / total if total else 0,
        "total": total,
    }


def _quartile(ordered: Sequence[float], quarters: int) -> float:
    """Between the two data that stand around half a datum below that share of them all."""
    last = len(ordered) - 1
    place = min(max(len(ordered) * quarters / 4 - 0.5, 0), last)
    below = math.floor(place)
    weight = place - below
    return (1 - weight) * ordered[below] + weight * ordered[min(below + 1, last)]


def _benchmark(
    about: Mapping[str, Any], cell: Mapping[str, Any], task: str, samples: Sequence[Record]
) -> dict[str, Any]:
    case = f"{cell['workload']}:{cell['case']}"
    data = [record["seconds"] / record["loops"] for record in samples]
    loops = sorted({record["loops"] for record in samples})
    facts = ("workload", "case", "framework", "dtype", "device", "matmul", "threads")
    return {
        "group": f"{case} {task} {cell['dtype']} {cell['device']}",
        "name": cell["implementation"],
        "fullname": f"{cell['key']}/{task}",
        "params": None,
        "param": None,
        "extra_info": {
            **{name: cell[name] for name in facts},
            "task": task,
            "flops": about["tasks"][case][task]["flops"],
            "loops": loops,  # a process counts its own: there may be several
        },
        "options": dict(about["profile"]),
        "stats": {**stats(data), "data": data, "iterations": loops[0]},
    }


def _machine(about: Mapping[str, Any]) -> dict[str, Any]:
    """The machine under the names that are used there, and what else would make two runs differ."""
    machine = about["machine"]
    system, _, release = machine["os"].partition(" ")
    return {
        "processor": machine["cpu"],
        "system": system,
        "release": release,
        "python_version": machine["python"],
        "cpu": {"brand_raw": machine["cpu"], "count": machine["processors"]},
        **{name: machine.get(name) for name in ("cores", "governor", "memory_bytes", "gpus")},
        "threads": about["options"]["threads"],
        "versions": about.get("versions") or {},
    }


def _commit(revision: str | None) -> dict[str, Any]:
    """The revision of samestep; the run does not know more of it."""
    return {
        "id": revision.removesuffix("-dirty") if revision else "unversioned",
        "time": None,
        "author_time": None,
        "dirty": bool(revision) and str(revision).endswith("-dirty"),
        "project": "samestep",
        "branch": "(unknown)",
    }


def _began(run: str) -> str:
    """A run is named by the time when it began, with a number behind it where two began at once."""
    day, _, clock = run.partition("T")
    return f"{day}T{clock[:8].replace('-', ':')}+00:00"


def write(run: Run) -> list[Path]:
    """Put ``benchmark.json`` beside the records; the same records give the same bytes."""
    path = run.folder / NAME
    try:
        path.write_text(json.dumps(finite(document(run)), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
    return [path]
