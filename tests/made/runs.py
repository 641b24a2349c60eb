"""Runs that were never taken, made of one that was: the days after it, and a machine with a GPU.

Only times, sizes and devices are made up, and whoever reads the page knows what it should say.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.catalog.catalog import Catalog
from samestep.catalog.identity import identities
from samestep.records.store import RUN, SAMPLES, Run
from tests.evidence.readme import README, linked

#: The run that the README is about.
REAL = linked(README.read_text(encoding="utf-8"))
GPU = {"name": "NVIDIA H100 80GB HBM3", "driver": "570.1"}

#: Tasks that are enough to see.
TASKS = ("train_step", "train", "train_epoch")
#: What became slower, from which day on, and by how much.
SLOWER, SINCE, FACTOR = "mnist_mlp:sample/torch_compile/", 2, 1.3

Document = dict[str, Any]


def documents(folder: Path) -> tuple[Document, list[Document]]:
    """Return what a run's files hold."""
    with (folder / SAMPLES).open(encoding="utf-8") as file:
        return json.loads((folder / RUN).read_text(encoding="utf-8")), [json.loads(line) for line in file]


def written(folder: Path, plan: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> Run:
    """Write a run of these documents, which takes its name from the folder."""
    folder.mkdir(parents=True)
    name = folder.name
    (folder / RUN).write_text(json.dumps({**plan, "run": name}), encoding="utf-8")
    with (folder / SAMPLES).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({**record, "run": name}) + "\n" for record in kept)
    return Run.open(folder)


def with_todays_sources(folder: Path) -> Run:
    """Write the run as if it had been taken with the files of this checkout, so that they can be shown."""
    plan, kept = documents(REAL)
    sources = identities(Catalog(), Run.open(REAL).plan.cells)
    return written(folder, {**plan, "sources": sources}, kept)


def days(folder: Path, many: int) -> list[Run]:
    """Write the run on N days, each a little faster or slower for all cells, and each process too."""
    plan, kept = documents(REAL)
    runs = []
    for day in range(many):
        draw, own, mine = random.Random(day), dict[tuple[str, int], float](), list[Document]()
        drift = draw.lognormvariate(0, 0.03)
        for record in kept:
            if record["kind"] != "sample":
                mine.append(record)
                continue
            if record["task"] not in TASKS:
                continue
            usual = own.setdefault((record["cell"], record["invocation"]), draw.lognormvariate(0, 0.004))
            step = FACTOR if day >= SINCE and record["cell"].startswith(SLOWER) else 1.0
            seconds = record["seconds"] * drift * usual * step * draw.lognormvariate(0, 0.01)
            mine.append({**record, "seconds": seconds})
        runs.append(written(folder / f"2026-11-{22 + day}T06-05-47", plan, mine))
    return runs


#: At batch 64 the GPU takes this many times the CPU's time; it gains with the size.
AT_64 = {"torch_autograd": 6.0, "torch_compile": 2.5, "tensorflow_function": 9.0, "tensorflow_xla": 4.0,
         "jax_grad": 5.0, "jax_scan": 1.4, "jax_manual": 5.2}  # fmt: skip


def with_gpu(folder: Path, sizes: Sequence[int] = (), workload: str = "two_layer") -> Run:
    """Write a network on the CPU and on a GPU, at each of the batch sizes; without sizes as it is."""
    plan, kept = documents(REAL)
    both = {*AT_64, "numpy_manual"}
    mine = [c for c in plan["cells"] if c["workload"] == workload and c["implementation"] in both]
    (case,) = {cell["case"] for cell in mine}
    cells: list[Document] = []
    made_up: list[Document] = []
    tasks: Document = {}
    for size in sizes or (64,):
        name = f"{case}[batch={size}]" if sizes else case
        flops = plan["tasks"][f"{workload}:{case}"].items()
        tasks[f"{workload}:{name}"] = {task: {"flops": facts["flops"] * size / 64} for task, facts in flops}
        for cell in mine:
            for device in ("cpu", "gpu") if cell["implementation"] in AT_64 else ("cpu",):
                moved = {**cell, "case": name, "device": device, "key": _key(cell["key"], name, device)}
                cells.append({**moved, "baseline": _key(cell["baseline"], name, "cpu")})
                made_up += _records(kept, cell, cells[-1]["key"], device, size)
    plan["machine"]["gpus"], plan["options"]["devices"] = [GPU], ["cpu", "gpu"]
    return written(folder, {**plan, "cells": cells, "tasks": tasks}, made_up)


def _key(key: str, case: str, device: str) -> str:
    workload, _, rest = key.partition(":")
    return f"{workload}:{case}/{rest.partition('/')[2]}".replace("/cpu/", f"/{device}/")


def _records(
    kept: Sequence[Document], cell: Document, key: str, device: str, size: int
) -> Iterator[Document]:
    draw = random.Random(key)
    factor = 0.4 + 0.6 * size / 64  # what a call costs that is not of the batch
    if device == "gpu":
        factor *= AT_64[cell["implementation"]] * (64 / size) ** 0.6
    for record in kept:
        if record.get("cell") != cell["key"] or record["kind"] in ("trajectory", "distance"):
            continue
        if record.get("task", "train") not in TASKS:
            continue
        mine = {**record, "cell": key}
        if record["kind"] in ("sample", "peak"):
            rate = 1 / 50 if device == "gpu" else 1.0
            times = factor if record["kind"] == "sample" else rate
            mine["seconds"] = record["seconds"] * times * draw.lognormvariate(0, 0.01)
        if record["kind"] == "start" and device == "gpu":
            transfer = {"to_device": 2**-16 + size / 2**18, "from_device": 2**-17}
            mine["transfers"] = dict.fromkeys(record.get("steps") or (), transfer)
            mine["framework"] = {**record["framework"], "device": "gpu"}
        yield mine
