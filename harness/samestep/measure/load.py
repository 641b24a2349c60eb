"""What others use of the machine: processors busy beside this process and those it started, and with what.

Two looks at /proc (proc(5)) are compared: what all processors that this process may use have worked, less
what its own family has, belongs to others, and so does what the hypervisor took ("steal"). A container may
hide the processes that it shares the processors with; how busy the processors are it does not hide.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samestep.records.schema import Foreign, MachineLoad

PROC = Path("/proc")

#: Columns of /proc/stat that are work: user, nice, system, irq and softirq; and that of stolen time.
WORK, STOLEN, COLUMNS = (0, 1, 2, 5, 6), 7, 8

#: How many of the busiest programs are named, and from which part of a processor on.
MOST_NAMED, LEAST_NAMED = 3, 1 / 20

#: Ticks of a processor below which a look says nothing: half a second of them.
FEWEST_TICKS = 50

TICKS = os.sysconf("SC_CLK_TCK")

#: A process, by its number and when it started.
Key = tuple[int, int]


@dataclass(frozen=True)
class Process:
    """A process: its parent, its name, and the ticks that it worked, without and with those of the children
    that it has waited for."""

    parent: int
    name: str
    own: int
    whole: int


@dataclass(frozen=True)
class Look:
    """What was counted until now: ticks of the processors that may be used, and microseconds of pressure."""

    processors: int
    work: int
    stolen: int
    total: int
    pressure: int | None
    processes: Mapping[Key, Process]
    family: frozenset[Key]

    @property
    def mine(self) -> int:
        """The ticks that this process and those it started have worked."""
        return sum(self.processes[key].whole for key in self.family)


def look() -> Look:
    """Return what the kernel has counted until now."""
    columns = [0] * COLUMNS
    allowed = os.sched_getaffinity(0)
    for line in _text("stat").splitlines():
        name, *numbers = line.split() or [""]
        if name in {f"cpu{number}" for number in allowed}:
            columns = [a + int(b) for a, b in zip(columns, numbers, strict=False)]
    processes = dict(_processes())
    work, total = sum(columns[at] for at in WORK), sum(columns)
    return Look(
        len(allowed), work, columns[STOLEN], total, _pressure(), processes, frozenset(_family(processes))
    )


def used_by_others(before: Look, now: Look, time: float) -> MachineLoad | None:
    """Return what others used between two looks; None where too little time has passed to say, or where the
    kernel counts nothing. ``time`` is that of the second look, in seconds since 1970."""
    ticks = (now.total - before.total) / now.processors
    if ticks < FEWEST_TICKS:
        return None
    mine = now.mine - before.mine
    waited = None
    if now.pressure is not None and before.pressure is not None:
        waited = (now.pressure - before.pressure) * 1e-6 / (ticks / TICKS)
    return MachineLoad(
        seconds=ticks / TICKS,
        processors=now.processors,
        elsewhere=max(0.0, (now.work - before.work - mine) / ticks),
        stolen=(now.stolen - before.stolen) / ticks,
        load=_run_queue(),
        pressure=waited,
        foreign=_busiest(before, now, ticks),
        time=time,
    )


def _busiest(before: Look, now: Look, ticks: float) -> list[Foreign]:
    """Return the foreign programs that worked most, all processes of a name together, as far as they can be
    seen."""
    worked: Counter[str] = Counter()
    for key, one in now.processes.items():
        if key not in now.family:
            earlier = before.processes[key].own if key in before.processes else 0
            worked[one.name] += one.own - earlier
    most = worked.most_common(MOST_NAMED)
    return [Foreign(name, work / ticks) for name, work in most if work >= LEAST_NAMED * ticks]


def _processes() -> Iterator[tuple[Key, Process]]:
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (text := _text(f"{folder.name}/stat")):
            head, _, tail = text.rpartition(")")  # a name may hold anything
            fields = tail.split()
            own, whole = (sum(map(int, fields[11:last])) for last in (13, 15))
            name = head.partition("(")[2]
            yield (int(folder.name), int(fields[19])), Process(int(fields[1]), name, own, whole)


def _family(processes: Mapping[Key, Process]) -> Iterator[Key]:
    """Return this process and those that descend from it."""
    children: dict[int, list[Key]] = {}
    for key, one in processes.items():
        children.setdefault(one.parent, []).append(key)
    left = [key for key in processes if key[0] == os.getpid()]
    while left:
        key = left.pop()
        yield key
        left += children.get(key[0], [])


def _pressure() -> int | None:
    """Microseconds in which somebody had to wait for a processor; None where the kernel does not count."""
    for line in _text("pressure/cpu").splitlines():
        if line.startswith("some"):
            return int(line.rpartition("total=")[2])
    return None


def _run_queue() -> float:
    """Return how many processes wanted a processor, on average over a minute."""
    return os.getloadavg()[0]


def _text(name: str) -> str:
    """Return a file of the kernel; "" of a process that is gone, or of what this kernel does not have."""
    try:
        return (PROC / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
