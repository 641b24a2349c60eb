"""The command line in a process of its own, and the records that it leaves when it is stopped."""

from __future__ import annotations

import csv
import itertools
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import psutil

from samestep.jobs.planning import PROFILES
from samestep.records.store import Run
from tests.made.places import CHECKOUT
from tests.made.rungs import command, running, wait_until

#: Of the made-up workload; as asked for here.
TASKS, ROUNDS, INVOCATIONS = 3, PROFILES["quick"].rounds, 2
ENDS_WITHIN = 3.0  # seconds from a kill until no process of the run is left
NOTES = ("samestep: others keep", "samestep: the run was forecast")  # what may be said of a busy machine
MARK = "SAMESTEP_SURVIVAL"

#: Records that are taken once in a run, however often it is resumed.
ONCE = ("sample", "peak", "finished")

#: What a record was taken of: its kind, group, cell, invocation, round and task.
Identity = tuple[object, ...]


@dataclass
class Slot:
    """A processor, and a folder that tries are made in; ``full_run`` is what an undisturbed run leaves there."""

    folder: Path
    processor: int
    full_run: FullRun
    count: itertools.count[int] = field(default_factory=itertools.count)

    def new(self) -> Path:
        """Return an empty folder for one try."""
        folder = self.folder / f"{next(self.count):03}"
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True)
class FullRun:
    """What an undisturbed run leaves: its seconds, the bytes of its records, the samples in order, the verdicts
    by implementation, and its exit code."""

    seconds: float = 0.0
    size: int = 0
    order: Sequence[Identity] = ()
    verdicts: dict[str, str] = field(default_factory=dict)
    code: int = 0


@dataclass(frozen=True)
class Try:
    """One try, a row of the table; what does not apply is None.

    ``before`` and ``after`` count the records when the run was stopped and in the end, ``lost`` and
    ``repeated`` those of them that are; ``orphans`` the processes and temporary folders that were left
    behind. ``ok`` says whether the failure was contained.
    """

    kind: str
    moment: str = ""
    before: int | None = None
    after: int | None = None
    lost: int | None = None
    repeated: int | None = None
    orphans: int | None = None
    code: int | str = ""
    ok: bool = True
    note: str = ""

    def checked(self, complaints: dict[str, object]) -> Try:
        """Return the try with what is wrong; ``complaints`` says what may be wrong -> whether it is."""
        wrong = [what for what, is_so in complaints.items() if is_so]
        return replace(self, ok=self.ok and not wrong, note="; ".join(filter(None, [self.note, *wrong])))


class Process:
    """The command line as leader of its own process group, as in a terminal; every descendant is marked."""

    def __init__(
        self,
        slot: Slot,
        folder: Path,
        arguments: Sequence[str],
        limit: int | None = None,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start a command on the slot's processor; no file may grow beyond ``limit`` bytes."""
        self.mark = f"{folder}-{time.monotonic_ns()}"
        self.errors = folder / f"stderr-{time.monotonic_ns()}"
        how = running()
        at_start: Callable[[], None] = how["preexec_fn"]  # type: ignore[assignment]

        def prepare() -> None:
            at_start()
            os.sched_setaffinity(0, [slot.processor])
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        self.temporary = folder / f"tmp-{time.monotonic_ns()}"
        self.temporary.mkdir()
        own = {
            **variables,
            MARK: self.mark,
            "TMPDIR": str(self.temporary),
            "SAMESTEP_CACHE": str(slot.folder / "cache"),
        }
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                arguments, cwd=CHECKOUT, env={**how["env"], **own}, stdin=subprocess.DEVNULL,  # type: ignore[dict-item]
                stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=prepare, start_new_session=True,
            )  # fmt: skip

    def wait(self, seconds: float = 300) -> int:
        """Return the exit code."""
        return self.process.wait(seconds)

    def send(self, number: int) -> None:
        """Send a signal to the whole group, as a terminal does it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    @property
    def messages(self) -> list[str]:
        """The lines of standard error that are neither a progress bar nor about a busy machine."""
        lines = self.errors.read_text(encoding="utf-8", errors="replace").splitlines()
        return [
            line
            for line in lines
            if line.startswith(("samestep", "Traceback", "Exception", "Aborted", "Error"))
            and not line.startswith(NOTES)
        ]

    def orphans(self, seconds: float = ENDS_WITHIN) -> int:
        """Return how many processes and temporary folders of the run are left after N seconds; the processes
        are ended here, so that they do not pile up."""
        wait_until(lambda: not self._alive() and not self._folders(), seconds)
        left = self._alive()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(left) + len(self._folders())

    def _folders(self) -> list[Path]:
        return list(self.temporary.glob("samestep-*"))

    def _alive(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def runs(out: Path) -> list[Path]:
    """Return the folders of all runs."""
    return sorted(path.parent for path in out.glob("*/*/run.json"))


def content(run: Path) -> bytes:
    """Return the whole lines of the records, without a torn last line."""
    text = (run / "samples.jsonl").read_bytes() if (run / "samples.jsonl").exists() else b""
    return text[: text.rfind(b"\n") + 1]


def identities(text: bytes, kinds: Sequence[str] = ("sample",)) -> list[Identity]:
    """Return what each record was taken of, in order; samples that were re-measured are left out."""
    records = map(json.loads, text.splitlines())
    names = ("kind", "arena", "cell", "invocation", "round", "task")
    return [
        tuple(r.get(name) for name in names) for r in records if r["kind"] in kinds and not r.get("repeated")
    ]


def verdicts(run: Path) -> dict[str, str]:
    """Return the verdicts of a report, by implementation."""
    with (run / "report.csv").open(encoding="utf-8") as file:
        return {row["implementation"]: row["verdict"] for row in csv.DictReader(file)}


def bench(impls: Path, out: Path, *more: object) -> list[str]:
    """Return the command line that measures the made-up workload."""
    return command("bench", "rigged", "--impls", impls, "--out", out, "--threads", 1,
                   "--invocations", INVOCATIONS, *more)  # fmt: skip


def resume(run: Path) -> list[str]:
    """Return the command line that resumes a run, with the folders that it began with."""
    return command("run", "--resume", run, *Run.open(run).plan.options.starts_code)


def undisturbed(slot: Slot, impls: Path) -> FullRun:
    """Return what a run leaves that nothing disturbs. It is the second one: the first fills the caches."""
    for _ in range(2):
        folder = slot.new()
        began = time.monotonic()
        code = Process(slot, folder, bench(impls, folder / "out")).wait()
        seconds = time.monotonic() - began
    (run,) = runs(folder / "out")
    assert Process(slot, folder, resume(run)).wait() == code  # nothing is left to do but the report
    text = content(run)
    return FullRun(seconds, len(text), identities(text), verdicts(run), code)
