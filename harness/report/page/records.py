"""Runs as the page reads them: what is damaged, foreign or newer is named and left out, the rest is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import SamestepError
from harness.store import RUN, SCHEMA, Record, Run

Check = Callable[[Any], bool]

#: What a record's line is called where it is left out.
DAMAGED, FOREIGN, NEWER = "damaged", "foreign", "newer"


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return type(value) is int and value >= 0  # a bool is none


def number(value: Any) -> bool:
    """Finite, or one of the strings that JSON has instead."""
    if isinstance(value, str):
        return value in ("nan", "inf", "-inf")
    return type(value) in (int, float) and math.isfinite(value)


def amount(value: Any) -> bool:
    """Seconds, bytes or operations: finite and above 0."""
    return type(value) in (int, float) and 0 < value < math.inf


def share(value: Any) -> bool:
    """As an amount, but it may be 0."""
    return type(value) in (int, float) and 0 <= value < math.inf


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def many(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def each(check: Check) -> Check:
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


def shaped(**fields: Check) -> Check:
    """A mapping that has what these fields ask for; a missing one is None."""
    return lambda value: (
        isinstance(value, Mapping) and all(check(value.get(name)) for name, check in fields.items())
    )


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


TENSOR = either(number, shaped(elements=number, elements_limit=number))
TURN = {"cell": text, "arena": count, "invocation": count}
#: What the page reads of each kind of record. Runs of earlier versions lack some, which is no damage.
FIELDS: dict[str, dict[str, Check]] = {
    "sample": {
        **TURN, "round": count, "task": text, "loops": amount, "seconds": amount, "disturbed": flag,
        "time": optional(amount), "repeated": optional(flag),
    },
    "verdict": {
        "cell": text, "verdict": text, "reason": optional(text), "stderr": optional(text),
        "first_divergence": optional(shaped(step=count, task=text, tensor=text, test=text)),
        "tensors": optional(each(TENSOR)),
    },
    "start": {
        **TURN, "build_seconds": optional(share), "first_calls": optional(each(many(amount))),
        "framework": shaped(versions=each(optional(text)), import_seconds=optional(share)),
        "first_call_seconds": optional(each(optional(amount))), "steps": optional(each(optional(amount))),
        "transfers": optional(each(optional(each(share)))),
        "latency": optional(each(shaped(median=amount, p95=amount))),
        "parts": optional(each(shaped(launch_seconds=share, seconds=amount, loops=amount))),
    },
    "finish": {"cell": text, "bytes": amount, "device_bytes": optional(share)},
    "memory": {"cell": text, "bytes": amount},
    "peak": {**TURN, "round": count, "seconds": amount, "flops": amount},
    "trajectory": {"cell": text, "distance": many(number)},
    "distance": {"cell": text, "other": text, "rms": number, "identical": flag},
    "forecast": {}, "checked": {}, "finished": {}, "stopped": {}, "disturbed": {},
}  # fmt: skip

CELL = shaped(
    key=text, baseline=text, workload=text, case=text, implementation=text, framework=text, dtype=text,
    device=text, matmul=text, threads=count,
)  # fmt: skip
ABOUT = {
    "run": text, "cells": many(CELL), "tasks": each(each(shaped(flops=share))),
    "options": shaped(threads=count), "profile": shaped(invocations=count, rounds=count),
    "machine": shaped(
        cpu=text, processors=count, cores=optional(count), memory_bytes=optional(count), os=text, python=text,
        revision=optional(text), gpus=optional(many(shaped(name=optional(text)))),
    ),
    "sources": optional(each(text)), "versions": optional(each(optional(text))),
}  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """What could not be read, in the run's folder, and why."""

    folder: Path
    why: str


class Legible(Run):
    """A run, read once, without what cannot be read; ``left_out`` names each such line and says why.

    Raises SamestepError where ``run.json`` itself is none of this version's.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.left_out: list[LeftOut] = []
        self._cells = {cell["key"]: cell for cell in self.about["cells"]}
        self._kept = list(self._read())

    @cached_property
    def about(self) -> Record:
        about = super().about
        wrong = next((name for name, check in ABOUT.items() if not check(about.get(name))), None)
        if wrong:
            raise SamestepError(f"{self.folder / RUN} is damaged: {wrong!r} is not what a run says there")
        return about

    def records(self, kind: str | None = None) -> Iterator[Record]:
        return (record for record in self._kept if kind is None or record["kind"] == kind)

    def _read(self) -> Iterator[Record]:
        if self.torn:
            self.left_out.append(
                LeftOut(self.folder, f"{self.samples.name}: the last line is torn and is left out")
            )
        for place, line in enumerate(self._lines(), start=1):
            record, wrong = None, ""
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                wrong = f"{DAMAGED}: no JSON"
            wrong = wrong or self._wrong(record)
            if wrong:
                self.left_out.append(
                    LeftOut(self.folder, f"{self.samples.name}:{place} is left out, {wrong}")
                )
            elif isinstance(record, dict):
                yield record

    def _wrong(self, record: Any) -> str:
        """Why the record is left out; "" where it is not."""
        if not isinstance(record, dict) or not count(record.get("schema")):
            return f"{FOREIGN}: no record of samestep"
        if record["schema"] != SCHEMA:
            which = NEWER if record["schema"] > SCHEMA else FOREIGN
            return f"{which}: schema {record['schema']}, and this samestep reads {SCHEMA}"
        if record.get("run", self.about["run"]) != self.about["run"]:
            return f"{FOREIGN}: it belongs to the run {record['run']}"
        kind = record.get("kind")
        if not isinstance(kind, str) or kind not in FIELDS:
            return f"{FOREIGN}: the kind {kind!r} is not known"
        for name, check in FIELDS[kind].items():
            if not check(record.get(name)):
                return f"{DAMAGED}: {name!r} of a {kind} is {str(record.get(name))[:40]!r}"
        return self._elsewhere(record)

    def _elsewhere(self, record: Record) -> str:
        """A cell or a task that the plan does not have."""
        if "cell" not in FIELDS[record["kind"]]:
            return ""
        for name in ("cell", "other"):
            if record.get(name, record["cell"]) not in self._cells:
                return f"{FOREIGN}: the plan has no cell {record[name]}"
        cell = self._cells[record["cell"]]
        tasks = self.about["tasks"].get(f"{cell['workload']}:{cell['case']}", {})
        if record["kind"] == "sample" and record["task"] not in tasks:
            return f"{FOREIGN}: {cell['workload']}:{cell['case']} has no task {record['task']}"
        return ""


def read(folders: Sequence[Path]) -> tuple[list[Legible], list[LeftOut]]:
    """The runs that can be read, in the order given, and what was left out.

    Raises SamestepError where no run can be read.
    """
    runs: list[Legible] = []
    left_out: list[LeftOut] = []
    error = None
    for folder in folders:
        try:
            Run.open(folder)
            run = Legible(folder)
        except SamestepError as unreadable:
            error = unreadable
            left_out.append(LeftOut(folder, str(unreadable).removeprefix(str(folder)).lstrip("/").lstrip()))
            continue
        runs.append(run)
        left_out += run.left_out
    if not runs and error:
        raise error
    return runs, left_out
