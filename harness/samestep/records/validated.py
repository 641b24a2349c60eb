"""Runs as reports read them: what is damaged, foreign or newer is named and left out, the rest is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from samestep.analysis.summary import CellSummary, summarize
from samestep.errors import SamestepError
from samestep.records.shapes import (
    Check,
    amount,
    count,
    each,
    either,
    flag,
    many,
    number,
    optional,
    shaped,
    share,
    some,
    text,
    times,
    writable,
)
from samestep.records.store import RUN, SCHEMA, Record, Run

#: What a record's line is called where it is left out.
DAMAGED, FOREIGN, NEWER = "damaged", "foreign", "newer"
#: What is said of a document that is not `checks.writable`.
UNWRITABLE = "it is nested too deep, or has half of a character"

TENSOR = either(number, shaped(elements=number, elements_limit=number))
TURN = {"cell": text, "arena": count, "invocation": count}
PLACE = shaped(
    step=count, task=text, tensor=text, test=text, index=optional(many(count)), got=optional(number),
    expected=optional(number), error=optional(number), limit=optional(number),
)  # fmt: skip
#: Kinds of which no report reads more than that they are there.
NOTES = ("forecast", "checked", "finished", "stopped", "disturbed")
#: What the page reads of each kind of record. Runs of earlier versions lack some, which is no damage.
FIELDS: dict[str, dict[str, Check]] = {
    "sample": {
        **TURN, "round": count, "task": text, "loops": times, "seconds": amount, "disturbed": flag,
        "time": optional(amount), "repeated": optional(flag),
    },
    "verdict": {
        "cell": text, "verdict": text, "reason": optional(text), "stderr": optional(text),
        "first_divergence": optional(PLACE), "tensors": optional(each(TENSOR)),
        "precision": optional(shaped(label=text)), "checked_in": optional(text),
        "arena": optional(count), "invocation": optional(count),
    },
    "start": {
        **TURN, "build_seconds": optional(share), "first_calls": optional(each(many(amount))),
        "framework": shaped(
            versions=each(optional(text)), import_seconds=optional(share), blas=optional(many(text))
        ),
        "first_call_seconds": optional(each(optional(amount))), "steps": optional(each(optional(times))),
        "transfers": optional(each(optional(each(share)))),
        "latency": optional(each(shaped(median=amount, p95=amount))),
        "parts": optional(each(
            shaped(launch_seconds=share, device_seconds=optional(share), seconds=amount, loops=times)
        )),
    },
    "finish": {"cell": text, "bytes": amount, "device_bytes": optional(share)},
    "memory": {"cell": text, "bytes": amount},
    "peak": {**TURN, "round": count, "seconds": amount, "flops": amount},
    "trajectory": {"cell": text, "distance": many(number)},
    "distance": {"cell": text, "other": text, "rms": number, "identical": flag},
    **{kind: {"cell": optional(text)} for kind in NOTES},
}  # fmt: skip

CELL = shaped(
    key=text, baseline=text, workload=text, case=text, implementation=text, framework=text, dtype=text,
    device=text, matmul=text, threads=count,
)  # fmt: skip
ABOUT = {
    "run": text, "cells": some(CELL), "tasks": each(each(shaped(flops=share))),
    "options": shaped(threads=count), "profile": shaped(invocations=count, rounds=count),
    "machine": shaped(
        cpu=text, processors=count, cores=optional(count), memory_bytes=optional(count), os=text, python=text,
        revision=optional(text), gpus=optional(many(shaped(name=optional(text)))),
    ),
    "inherited": optional(each(each(text))), "sources": optional(each(text)),
    "versions": optional(each(optional(text))),
    "prices": optional(each(shaped(lines=optional(count), changed=optional(count)))),
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
        try:
            about = super().about
            wrong = "" if writable(about) else UNWRITABLE
        except RecursionError:
            wrong = UNWRITABLE
        wrong = wrong or self._unlike(about)
        if wrong:
            raise SamestepError(f"{self.folder / RUN} is damaged: {wrong}")
        return about

    @staticmethod
    def _unlike(about: Record) -> str:
        """What in ``run.json`` is none of this version's; "" where all of it is."""
        for name, check in ABOUT.items():
            if not check(about.get(name)):
                return f"{name!r} is not what a run says there"
        cases = (f"{cell['workload']}:{cell['case']}" for cell in about["cells"])
        bare = next((case for case in cases if not about["tasks"].get(case)), None)
        return f"'tasks' has none of {bare!r}" if bare else ""

    @cached_property
    def summaries(self) -> list[CellSummary]:
        """What every table, picture and page of this run is made from."""
        return summarize(self.about, self.records())

    def records(self, kind: str | None = None) -> Iterator[Record]:
        return (record for record in self._kept if kind is None or record["kind"] == kind)

    def _read(self) -> Iterator[Record]:
        if self.torn:
            self.left_out.append(
                LeftOut(self.folder, f"{self.samples.name}: the last line is torn and is left out")
            )
        for place, line in enumerate(self._lines(), start=1):
            try:
                record = json.loads(line)
                wrong = self._wrong(record)
            except (ValueError, RecursionError):
                wrong = f"{DAMAGED}: no JSON"
            if wrong:
                self.left_out.append(
                    LeftOut(self.folder, f"{self.samples.name}:{place} is left out, {wrong}")
                )
            else:
                yield record

    def _wrong(self, record: Any) -> str:
        """Why the record is left out; "" where it is not."""
        if not writable(record):
            return f"{DAMAGED}: {UNWRITABLE}"
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
        fields = FIELDS[record["kind"]]
        keys = [record[name] for name in ("cell", "other") if name in fields and record.get(name) is not None]
        for key in keys:
            if key not in self._cells:
                return f"{FOREIGN}: the plan has no cell {key}"
        if "task" in fields:
            cell = self._cells[record["cell"]]
            case = f"{cell['workload']}:{cell['case']}"
            if record["task"] not in self.about["tasks"][case]:
                return f"{FOREIGN}: {case} has no task {record['task']}"
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


def summarized(run: Run) -> list[CellSummary]:
    """One for each cell of the plan; of a `Legible`, which never changes, they are computed once."""
    return run.summaries if isinstance(run, Legible) else summarize(run.about, run.records())
