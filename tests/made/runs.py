"""Runs that were never taken, made of one that was: the days after it, and a machine with a GPU.

Only times, sizes and devices are made up, and whoever reads the page knows what it should say.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.records.store import RUN, Run
from tests.evidence.readme import README, linked

REAL = linked(README.read_text(encoding="utf-8"))
GPU = {"name": "NVIDIA H100 80GB HBM3", "driver": "570.1"}

#: Tasks that are enough to see.
TASKS = ("train_step", "train", "train_epoch")
#: So many times are the processes of the run there again: of two nothing is known.
AGAIN = 3
#: What became slower, from which day on, and by how much.
SLOWER, SINCE, FACTOR = "mnist_mlp:sample/torch_compile/", 2, 1.3


def made(folder: Path, about: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> Run:
    folder.mkdir(parents=True)
    name = folder.name
    (folder / RUN).write_text(json.dumps({**about, "run": name}))
    run = Run(folder)
    run.append([{**record, "run": name} for record in kept])
    return run


def days(folder: Path, many: int) -> list[Run]:
    """The run on so many days: each warmer or colder for all cells together, each process a little off."""
    real = Run.open(REAL)
    about, kept = real.about, list(real.records())
    runs = []
    for day in range(many):
        draw, own, mine = random.Random(day), dict[tuple[str, int], float](), list[dict[str, Any]]()
        weather = draw.lognormvariate(0, 0.03)
        for record in kept:
            if record["kind"] != "sample":
                mine.append(record)
                continue
            if record["task"] not in TASKS:
                continue
            for again in range(AGAIN):
                invocation = record["invocation"] + 2 * again
                usual = own.setdefault((record["cell"], invocation), draw.lognormvariate(0, 0.004))
                step = FACTOR if day >= SINCE and record["cell"].startswith(SLOWER) else 1.0
                taken = record["seconds"] * weather * usual * step * draw.lognormvariate(0, 0.01)
                mine.append({**record, "invocation": invocation, "seconds": taken})
        runs.append(made(folder / f"2026-11-{22 + day}T06-05-47", about, mine))
    return runs


#: At batch 64 the GPU takes so many times the CPU's time; it gains with the size.
AT_64 = {"torch_autograd": 6.0, "torch_compile": 2.5, "tensorflow_function": 9.0, "tensorflow_xla": 4.0,
         "jax_grad": 5.0, "jax_scan": 1.4, "jax_manual": 5.2}  # fmt: skip


def with_gpu(folder: Path, sizes: Sequence[int] = (), workload: str = "two_layer") -> Run:
    """A network on the CPU and on a GPU, at each of the batch sizes; without sizes as it is."""
    real = Run.open(REAL)
    about, kept = real.about, list(real.records())
    both = {*AT_64, "numpy_manual"}
    mine = [c for c in about["cells"] if c["workload"] == workload and c["implementation"] in both]
    (case,) = {cell["case"] for cell in mine}
    cells: list[dict[str, Any]] = []
    made_up: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    for size in sizes or (64,):
        name = f"{case}[batch={size}]" if sizes else case
        flops = about["tasks"][f"{workload}:{case}"].items()
        tasks[f"{workload}:{name}"] = {task: {"flops": told["flops"] * size / 64} for task, told in flops}
        for cell in mine:
            for device in ("cpu", "gpu") if cell["implementation"] in AT_64 else ("cpu",):
                moved = {**cell, "case": name, "device": device, "key": _key(cell["key"], name, device)}
                cells.append({**moved, "baseline": _key(cell["baseline"], name, "cpu")})
                made_up += _records(kept, cell, cells[-1]["key"], device, size)
    about["machine"]["gpus"], about["options"]["devices"] = [GPU], ["cpu", "gpu"]
    return made(folder, {**about, "cells": cells, "tasks": tasks}, made_up)


def _key(key: str, case: str, device: str) -> str:
    workload, _, rest = key.partition(":")
    return f"{workload}:{case}/{rest.partition('/')[2]}".replace("/cpu/", f"/{device}/")


def _records(
    kept: Sequence[Mapping[str, Any]], cell: Mapping[str, Any], key: str, device: str, size: int
) -> Iterator[dict[str, Any]]:
    draw = random.Random(f"{key}")
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
            taken = factor if record["kind"] == "sample" else rate
            mine["seconds"] = record["seconds"] * taken * draw.lognormvariate(0, 0.01)
        if record["kind"] == "start" and device == "gpu":
            moved = {"to_device": 2**-16 + size / 2**18, "from_device": 2**-17}
            mine["transfers"] = dict.fromkeys(record.get("steps") or (), moved)
            mine["framework"] = {**record["framework"], "device": "gpu"}
        yield mine
