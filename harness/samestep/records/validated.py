"""Runs as reports read them: what is damaged, foreign or newer is named and left out, the rest is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.codec import Malformed
from samestep.errors import SamestepError
from samestep.field_checks import count, writable
from samestep.records import schema
from samestep.records.resume_command import how_to_go_on
from samestep.records.schema import KINDS, RETIRED, SCHEMA, CellVerdict, Record, Sample
from samestep.records.store import RUN, UNWRITABLE, Run

#: What a record's line is called where it is left out.
DAMAGED, FOREIGN, NEWER = "damaged", "foreign", "newer"


@dataclass(frozen=True)
class LeftOut:
    """What could not be read, in the run's folder, and why."""

    folder: Path
    why: str


class _LineLeftOut(Exception):
    """Why a line is left out."""


class ValidatedRun(Run):
    """A run, read once, without what cannot be read; ``left_out`` names each such line and says why.

    Raises SamestepError where ``run.json`` itself cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.left_out: list[LeftOut] = []
        self._cells = self.plan.by_key()
        self._turns: set[tuple[object, ...]] = set()
        self._kept = list(self._read())

    def document(self) -> dict[str, object]:
        document = super().document()
        if writable(document):
            return document
        raise SamestepError(f"{self.folder / RUN} is damaged: {UNWRITABLE}")

    def records(self) -> Iterator[Record]:
        return iter(self._kept)

    def _read(self) -> Iterator[Record]:
        name = self.samples.name
        if self.torn:
            self.left_out.append(LeftOut(self.folder, f"{name}: the last line is torn and is left out"))
        for place, line in enumerate(self.lines(), start=1):
            try:
                record = self._record(line)
            except _LineLeftOut as why:
                self.left_out.append(LeftOut(self.folder, f"{name}:{place} is left out, {why}"))
                continue
            if record is not None:
                yield record

    def _record(self, line: str) -> Record | None:
        """Return the record of a line, None of a retired kind. Raises `_LineLeftOut`."""
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise _LineLeftOut(f"{DAMAGED}: no JSON") from None
        kind = self._kind(document)
        try:
            record = schema.read(document)
        except Malformed as wrong:
            field = wrong.place[0] if wrong.place else kind
            value = str(document.get(field))[:40]
            raise _LineLeftOut(f"{DAMAGED}: {field!r} of a {kind} is {value!r}") from None
        self._belongs(record)
        return record

    def _kind(self, document: object) -> str:
        """Return the kind of a record of this run and schema."""
        if not writable(document):
            raise _LineLeftOut(f"{DAMAGED}: {UNWRITABLE}")
        if not isinstance(document, Mapping) or not count(document.get("schema")):
            raise _LineLeftOut(f"{FOREIGN}: not a record of samestep")
        if document["schema"] != SCHEMA:
            which = NEWER if document["schema"] > SCHEMA else FOREIGN
            raise _LineLeftOut(f"{which}: schema {document['schema']}, and this samestep reads {SCHEMA}")
        if document.get("run", self.plan.run) != self.plan.run:
            raise _LineLeftOut(f"{FOREIGN}: it belongs to the run {document['run']}")
        kind = document.get("kind")
        if not isinstance(kind, str) or kind not in (*KINDS, *RETIRED):
            raise _LineLeftOut(f"{FOREIGN}: the kind {kind!r} is not known")
        return kind

    def _belongs(self, record: Record | None) -> None:
        """Leave out what names a cell or a task that the plan does not have."""
        for key in (getattr(record, name) for name in ("cell", "other") if hasattr(record, name)):
            if key not in self._cells:
                raise _LineLeftOut(f"{FOREIGN}: the plan has no cell {key}")
        if isinstance(record, schema.Sample):
            cell = self._cells[record.cell]
            if record.task not in self.plan.tasks_of(cell):
                raise _LineLeftOut(f"{FOREIGN}: {cell.of_case} has no task {record.task}")
            if not record.repeated:
                self._once(record)

    def _once(self, sample: schema.Sample) -> None:
        """Leave out what would count twice."""
        turn = (sample.moment, sample.cell, sample.task)
        if turn in self._turns:
            raise _LineLeftOut(f"{DAMAGED}: this sample of {sample.cell} is there twice")
        self._turns.add(turn)


def _with_cells(run: ValidatedRun) -> ValidatedRun:
    """Return the run. Raises SamestepError where no record says anything of a cell."""
    if any(isinstance(one, CellVerdict | Sample) for one in run.records()):
        return run
    left = f", {run.left_out[0].why}" if run.left_out else ""
    raise SamestepError(
        f"{run.folder} has no verdict and no sample{left}; {how_to_go_on(run.folder, run.plan)}"
    )


def read(folders: Sequence[Path]) -> tuple[list[ValidatedRun], list[LeftOut]]:
    """Return the runs that can be read, in the order given, and what was left out.

    Raises SamestepError where there is none that has anything to say of a cell.
    """
    runs: list[ValidatedRun] = []
    left_out: list[LeftOut] = []
    error = None
    for folder in folders:
        try:
            run = _with_cells(ValidatedRun(Run.open(folder).folder))
        except SamestepError as unreadable:
            error = unreadable
            left_out.append(LeftOut(folder, str(unreadable).removeprefix(str(folder)).lstrip("/").lstrip()))
            continue
        runs.append(run)
        left_out += run.left_out
    if not runs and error:
        raise error
    return runs, left_out
