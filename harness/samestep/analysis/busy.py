"""Was the machine busy with something else: when others leave a run less than the processors that it needs.

One worker computes at a time, with as many threads as were asked for. What others use of the remaining
processors takes nothing from it; what they use beyond that is what its threads have to wait for. It counts
from the share of a sample's time on that makes the sample a disturbed one (`measure.interference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from samestep.measure.interference import SHARE
from samestep.printable import printable
from samestep.records.schema import MachineLoad, Record

#: How many programs are named, and the most letters of a name: the kernel keeps no more.
NAMED, LETTERS = 3, 15


def taken(found: MachineLoad, threads: int) -> float:
    """Return how many of the processors that a worker needs others took."""
    spare = max(0, found.processors - threads)
    return max(0.0, found.elsewhere + found.stolen - spare)


def is_busy(found: MachineLoad, threads: int) -> bool:
    """Return whether others took so much that samples are disturbed by it."""
    return taken(found, threads) > SHARE * threads


def by_others(found: MachineLoad) -> str:
    """Return what others use, and which they are as far as can be told: "others keep 1.9 of 2 processors busy
    (stress 98 %, python 92 %)"."""
    parts = []
    if found.elsewhere >= min(SHARE, found.stolen):
        parts.append(f"others keep {_many(found.elsewhere, found)} busy ({_names(found)})")
    if found.stolen >= SHARE or found.stolen > found.elsewhere:
        parts.append(f"other virtual machines take {_many(found.stolen, found)}")
    return ", ".join(parts)


def _many(processors: float, found: MachineLoad) -> str:
    """Return how many of the processors: not more than there are, whatever a record says."""
    return f"{min(processors, found.processors):.1f} of {found.processors} processors"


def _names(found: MachineLoad) -> str:
    named = ", ".join(
        f"{printable(one.name[:LETTERS])} {100 * min(one.share, found.processors):.0f} %"
        for one in found.foreign[:NAMED]
    )
    return named or "which they are cannot be seen from here"


@dataclass(frozen=True)
class Looks:
    """How often a run looked at what others use, how often they kept the machine busy, and what they used in
    the middle of those (None where they never did)."""

    many: int
    busy: int
    usual: MachineLoad | None


def looks(records: Iterable[Record], threads: int) -> Looks:
    """Return what a run saw of others."""
    found = [record for record in records if isinstance(record, MachineLoad)]
    busy: Sequence[MachineLoad] = [one for one in found if is_busy(one, threads)]
    if not busy:
        return Looks(len(found), 0, None)
    middle = median(one.elsewhere + one.stolen for one in busy)
    usual = min(busy, key=lambda one: abs(one.elsewhere + one.stolen - middle))
    return Looks(len(found), len(busy), usual)
