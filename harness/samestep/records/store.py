"""A run on disk: ``run.json``, what was asked and on what machine, and ``samples.jsonl``, append-only.

One record a line, flushed at every turn and synced after every round: whatever ends the run
ends it between two records, and a power cut takes a round of it at most. A torn last line is what a kill or
a full disk leaves; it is said, and cut off before a run goes on. Numbers that are not finite are the strings
"nan", "inf" and "-inf": JSON has none.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from samestep.errors import NotWritten, SamestepError

SCHEMA = 1
RUN, SAMPLES = "run.json", "samples.jsonl"

Record = dict[str, Any]


def finite(value: Any) -> Any:
    """The same document with strings for the numbers that JSON cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


class Run:
    """One folder under ``results/<machine>/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples = folder / SAMPLES

    @classmethod
    def create(cls, parent: Path, machine: str, about: Mapping[str, Any]) -> Run:
        """A new folder, named by the time; two runs that start in the same second do not meet."""
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
            text = json.dumps(finite({"schema": SCHEMA, "run": name, **about}), indent=2) + "\n"
            _write(folder / RUN, text)
            run.samples.touch()
            return run
        raise SamestepError(f"{parent / machine / stamp} and its followers are all taken")

    @classmethod
    def open(cls, folder: Path) -> Run:
        if not (folder / RUN).is_file():
            raise SamestepError(f"{folder} is no run: it has no {RUN}")
        return cls(folder)

    @property
    def about(self) -> Record:
        path = self.folder / RUN
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SamestepError(f"{path} cannot be read: {error}") from error
        if not isinstance(about, dict) or about.get("schema") != SCHEMA:
            raise SamestepError(f"{path} has another schema than {SCHEMA}: read it with its own samestep")
        return about

    def append(self, records: Iterable[Record], sync: bool = True) -> None:
        """Add records: when this returns, no end of this process loses them; with ``sync`` no end of the
        machine either. Raises SamestepError where the disk refuses."""
        lines = "".join(json.dumps(finite({"schema": SCHEMA, **r})) + "\n" for r in records)
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
        """Keep other processes from going on with this run while this one does; ends with the process."""
        try:
            self.held = self.samples.open("a")
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SamestepError(f"{self.folder} is still being measured: wait until it has ended") from None
        except OSError:  # a file system without locks; a file that cannot be written, append names
            pass

    def sync(self) -> None:
        """What was appended without it is on the disk when this returns."""
        self.append([])

    def records(self, kind: str | None = None) -> Iterator[Record]:
        """The whole records in order, of one kind or all; a torn last line is left out."""
        for number, line in enumerate(self._lines(), start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise SamestepError(f"{self.samples}:{number} is damaged: {error}") from error
            if not isinstance(record, dict) or record.get("schema") != SCHEMA:
                raise SamestepError(f"{self.samples}:{number} has another schema than {SCHEMA}")
            if kind is None or record["kind"] == kind:
                yield record

    @property
    def torn(self) -> bool:
        """Whether the last line was not written to its end."""
        text = self.samples.read_bytes() if self.samples.is_file() else b""
        return bool(text) and not text.endswith(b"\n")

    def mend(self) -> None:
        """Cut a torn last line off, so that the next record starts a line of its own."""
        text = self.samples.read_bytes()
        with self.samples.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)

    def _lines(self) -> Iterator[str]:
        if not self.samples.is_file():
            return
        with self.samples.open(encoding="utf-8", errors="replace") as file:
            yield from (line for line in file if line.endswith("\n"))


def latest(parent: Path, machine: str = "*") -> Run:
    """The run that started last, on one machine or on any."""
    runs = sorted(parent.glob(f"{machine}/*/{RUN}"), key=lambda path: path.parent.name)
    if not runs:
        raise SamestepError(f"no run under {parent / machine.strip('*')}: `samestep run` makes one")
    return Run.open(runs[-1].parent)


def _write(path: Path, text: str) -> None:
    """All of it or nothing: what is killed half way leaves no half of a file."""
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
