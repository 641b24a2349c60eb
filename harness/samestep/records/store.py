"""A run on disk: ``run.json``, its plan, and ``samples.jsonl``, its records, append-only.

One record a line, flushed at every turn and synced after every round: whatever ends the run ends it between
two records, and a power cut takes a round of it at most. A torn last line is what a kill or a full disk
leaves; it is reported, and cut off before a run is resumed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from samestep.codec import Malformed
from samestep.errors import NotWritten, SamestepError
from samestep.printable import printable
from samestep.records import schema
from samestep.records.plan import Plan, plan_from_json, plan_to_json
from samestep.records.schema import SCHEMA, Record

RUN, SAMPLES = "run.json", "samples.jsonl"
#: The message on a document that is not `samestep.field_checks.writable`.
UNWRITABLE = "it is nested too deep, or has half of a surrogate pair"


class Run:
    """One folder under ``results/<machine>/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples = folder / SAMPLES

    @property
    def name(self) -> str:
        """The folder's name, as a table and a page may show it."""
        return printable(self.folder.name)

    @classmethod
    def create(cls, parent: Path, machine: str, plan: Plan) -> Run:
        """Make a new folder, named by the time, with its plan; runs that start in the same second get
        different names."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
        for name in (stamp, *(f"{stamp}-{n}" for n in range(2, 1000))):
            folder = parent / machine / name
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise SamestepError(f"{folder} cannot be made: {error.strerror}") from error
            run = cls(folder)
            document = {"schema": SCHEMA, **plan_to_json(replace(plan, run=name))}
            _write(folder / RUN, json.dumps(document, indent=2) + "\n")
            run.samples.touch()
            return run
        raise SamestepError(f"{parent / machine / stamp} and its followers are all taken")

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Return the run of a folder. Raises SamestepError where the folder holds none."""
        if not (folder / RUN).is_file():
            runs = (path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{RUN}"))
            inside = max(runs, key=lambda run: run.name, default=None)
            hint = f"; the latest run in it is {inside}" if inside else ""
            raise SamestepError(f"{folder} is not a run: it has no {RUN}{hint}")
        return cls(folder)

    @cached_property
    def plan(self) -> Plan:
        """The plan in ``run.json``. Raises SamestepError where it cannot be read."""
        try:
            return plan_from_json(self.document())
        except Malformed as wrong:
            place = wrong.place[0] if wrong.place else RUN
            raise SamestepError(
                f"{self.folder / RUN} is damaged: {place!r} is not what a run has there"
            ) from wrong

    def document(self) -> dict[str, object]:
        """Return ``run.json`` as it is. Raises SamestepError where it is no JSON of this schema."""
        path = self.folder / RUN
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SamestepError(f"{path} cannot be read: {error}") from error
        except RecursionError as error:
            raise SamestepError(f"{path} is damaged: {UNWRITABLE}") from error
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise SamestepError(f"{path} has another schema than {SCHEMA}: read it with its own samestep")
        return document

    def append(self, records: Iterable[Record], sync: bool = True) -> None:
        """Add records: when this returns, no end of this process loses them; with ``sync`` no end of the
        machine either. Raises NotWritten where the disk refuses."""
        lines = "".join(json.dumps(schema.write(one, self.folder.name)) + "\n" for one in records)
        try:
            with self.samples.open("a", encoding="utf-8") as file:
                file.write(lines)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        except OSError as error:
            raise NotWritten(
                f"{self.samples} cannot be written: {error.strerror}; the records before are kept"
            ) from error

    def hold(self) -> None:
        """Keep other processes from resuming this run while this one measures it; ends with the process."""
        try:
            self.held = self.samples.open("a")
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SamestepError(f"{self.folder} is still being measured: wait until it has ended") from None
        except OSError:  # a file system without locks; a file that cannot be written is named by append
            pass

    def sync(self) -> None:
        """Write to the disk what was appended without ``sync``."""
        self.append([])

    def records(self) -> Iterator[Record]:
        """Return the whole records in order; a torn last line is left out. Raises SamestepError where one is
        damaged."""
        for number, line in enumerate(self.lines(), start=1):
            try:
                document = json.loads(line)
                if not isinstance(document, dict) or document.get("schema") != SCHEMA:
                    raise SamestepError(f"{self.samples}:{number} has another schema than {SCHEMA}")
                record = schema.read(document)
            except (ValueError, KeyError, RecursionError) as error:
                raise SamestepError(f"{self.samples}:{number} is damaged: {error}") from error
            if record is not None:
                yield record

    def lines(self) -> Iterator[str]:
        """Return the whole lines of the records. Raises SamestepError where they cannot be read."""
        return (line for line in self._all_lines() if line.endswith("\n"))

    def _all_lines(self) -> Iterator[str]:
        if not self.samples.is_file():
            return
        try:
            with self.samples.open(encoding="utf-8", errors="replace", newline="\n") as file:
                yield from file
        except OSError as error:
            raise SamestepError(f"{self.samples} cannot be read: {error.strerror}") from error

    @property
    def torn(self) -> bool:
        """Whether the last line was not written to its end. Raises SamestepError as `lines`."""
        return any(not line.endswith("\n") for line in self._all_lines())

    def mend(self) -> None:
        """Cut a torn last line off, so that the next record starts a line of its own. Raises NotWritten."""
        try:
            text = self.samples.read_bytes()
            with self.samples.open("r+b") as file:
                file.truncate(text.rfind(b"\n") + 1)
        except OSError as error:
            raise NotWritten(f"{self.samples} cannot be written: {error.strerror}") from error


def runs_of(parent: Path, machine: str = "*") -> list[Run]:
    """Return the runs of one machine, or of any, the latest first. Raises SamestepError where there is
    none."""
    paths = sorted(parent.glob(f"{machine}/*/{RUN}"), key=lambda path: path.parent.name, reverse=True)
    if not paths:
        raise SamestepError(f"no run under {parent / machine.strip('*')}: `samestep run` makes one")
    return [Run(path.parent) for path in paths]


def _write(path: Path, text: str) -> None:
    """Write all of it or nothing: what is killed half way leaves no half of a file."""
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
