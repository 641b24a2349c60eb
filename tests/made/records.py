"""Runs of hand-written records whose truth is known, as the documents that a run's files hold.

They are dicts, as anyone may write them: `plan_of` and `records_of` read them as samestep does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.records import schema
from samestep.records.plan import Plan, plan_from_json
from samestep.records.store import RUN, Run

NAMES = ("numpy_manual", "torch_manual", "jax_scan", "keras_fit")
TASKS = {"train_step": {"flops": 24.0}, "train": {"flops": 96.0}}
SECONDS = {"train_step": 2**-10, "train": 2**-8}
STEPS = {"train_step": None, "train": 4}
INVOCATIONS, ROUNDS = 6, 8

Pace = Callable[[str, str], float]


def key(name: str, copy: bool = False) -> str:
    return f"two_layer:tiny/{name}/float32/cpu/float32/1t{'/again' if copy else ''}"


def cell(name: str, copy: bool = False) -> dict[str, Any]:
    return {
        "workload": "two_layer", "case": "tiny", "implementation": name, "framework": name.split("_")[0],
        "dtype": "float32", "device": "cpu", "matmul": "float32", "threads": 1, "twin": copy,
        "key": key(name, copy), "baseline": key("numpy_manual"),
    }  # fmt: skip


def about(names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    return {
        "schema": 1, "run": "a run", "selectors": [],
        "options": {"threads": 1, "seed": 0, "dtypes": ["float32"], "pythons": {}},
        "profile": {"invocations": INVOCATIONS, "rounds": ROUNDS},
        "machine": {
            "cpu": "A CPU", "processors": 2, "gpus": [{"name": "A GPU", "driver": "1"}], "os": "Linux 6.1",
            "python": "3.12.1", "revision": "0123456789ab", "load": 0.5,
        },
        "environment": {"cpu": {"OMP_NUM_THREADS": "1"}},
        "versions": {"numpy": "2.4.6", "torch": "2.13"},
        "cells": [cell(names[0]), cell(names[0], copy=True), *(cell(name) for name in names[1:])],
        "tasks": {"two_layer:tiny": {name: dict(task) for name, task in TASKS.items()}},
        "sources": {f"two_layer/{name}": f"hash of {name}" for name in names},
    }  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document of a plan in which one field is another; ``path`` names it, with spaces between."""
    document = about()
    *way, last = path.split(" ")
    inner: Any = document
    for name in way:
        inner = inner[int(name) if isinstance(inner, list) else name]
    inner[last] = value
    return document


def same(_: str, __: str) -> float:
    return 1.0


def slower(name: str, factor: float) -> Pace:
    return lambda one, _: factor if one == name else 1.0


def records(
    pace: Pace = same,
    seed: int | None = None,
    invocations: int = INVOCATIONS,
    names: tuple[str, ...] = NAMES,
    again: float = 1.0,
    scatter: float = 0.0,
) -> list[dict[str, Any]]:
    """What agrees and takes its time: exactly, or (``seed``) with 1 % of noise in each sample, drift of 3 %
    that all samples of a round share, and ``scatter`` of each process. The samples of the baseline's A/A copy
    take ``again`` times as long."""
    draw = random.Random(seed)
    noise = draw.lognormvariate if seed is not None else lambda mean, scatter: 1.0
    found = []
    for invocation in range(invocations):
        drift = [noise(0, 0.03) for _ in range(ROUNDS)]
        for name, copy in [(name, False) for name in names] + [(names[0], True)]:
            where = {"cell": key(name, copy), "arena": 0, "invocation": invocation}
            facts = {"versions": {name.split("_")[0]: "1.0"}}
            found.append({"kind": "verdict", **where, "verdict": "agree", "reason": None})
            found.append({"kind": "start", **where, "framework": facts, "steps": STEPS})
            for task in TASKS:
                own = SECONDS[task] * pace(name, task) * noise(0, scatter) * (again if copy else 1.0)
                found += [
                    {
                        "kind": "sample", **where, "round": turn, "task": task, "loops": 2,
                        "seconds": 2 * own * drift[turn] * noise(0, 0.01), "disturbed": False,
                    }
                    for turn in range(ROUNDS)
                ]  # fmt: skip
    return found


def plan_of(document: Mapping[str, Any]) -> Plan:
    return plan_from_json(document)


def records_of(documents: Iterable[Mapping[str, Any]]) -> list[schema.Record]:
    return [record for record in map(schema.read, documents) if record is not None]


def write_lines(run: Run, documents: Iterable[Mapping[str, Any]]) -> None:
    """Add records to a run, whatever they are."""
    with run.samples.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"schema": schema.SCHEMA, **one}) + "\n" for one in documents)


def saved(
    folder: Path, document: Mapping[str, Any] | None = None, kept: Sequence[Mapping[str, Any]] | None = None
) -> Run:
    """A run on disk, of these documents."""
    folder.mkdir()
    (folder / RUN).write_text(json.dumps(document or about()))
    run = Run(folder)
    write_lines(run, records() if kept is None else kept)
    return run
