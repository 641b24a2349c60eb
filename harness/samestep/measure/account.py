"""A parent's own account of a worker's sample, and what of the worker's own does not go with it.

The worker reads a clock that its implementation may have replaced. The kernel counts for the parent how long
the worker's threads were on a processor (clock_getcpuclockid(3)), its children's too, and how long its main
thread waited for one (/proc/pid/schedstat). That gives bounds that hold on any machine, however busy:

- a sample lies within the parent's wait for the answer;
- bound to N processors, a process spends at most N seconds of processor time in a second, and a thread one;
- what the parent waited and the worker did not work, both waited for a processor or nobody knows.

What a request costs by itself is known from requests for nothing; with work before it, it costs milliseconds
more (memory is given back, threads wake up), which is why a clock is believed to a factor of two. Between its
turns a worker rests, once the threads of its pools have stopped looking for work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.measure.clock import SAMPLE_SECONDS, now, processor_time_of

#: What a worker does outside of a sample is asked about from this share of it on: that from which on a sample
#: is disturbed, see `samestep.measure.interference`; of a short one, from this share of what it should last.
SHARE = 1 / 20

#: How long a thread of a waiting pool may look for work, in seconds: a millisecond (KMP_BLOCKTIME), and 2^20
#: cycles at no less than 1 GHz (OPENBLAS_THREAD_TIMEOUT), see `samestep.workers.environment`.
SPIN = 0.001 + 2**20 / 1e9

NANO = 1e-9
PROC = Path("/proc")


@dataclass(frozen=True)
class Spent:
    """Seconds until now: by the parent's clock; on processors, of all threads and children of a worker, and
    of its main thread; and those that this and the parent's own thread waited for one."""

    wall: float
    processors: float
    main: float
    waited: float

    def __sub__(self, before: Spent) -> Spent:
        pairs = zip(vars(self).values(), vars(before).values(), strict=True)
        return Spent(*(a - b for a, b in pairs))


def spent_by(process: int) -> Spent:
    """Return what a worker has spent until now; zeros for what the kernel does not count."""
    processors = sum(_processor_time(one) for one in [process, *descendants(process)])
    main, waited = _scheduled(PROC / str(process))
    return Spent(now(), processors, main, waited + _scheduled(PROC / "thread-self")[1])


def descendants(process: int) -> Iterator[int]:
    """Return the living children of a process, theirs, and so on."""
    try:
        tasks = list((PROC / str(process) / "task").iterdir())
    except OSError:  # it is gone
        return
    for task in tasks:
        try:
            children = (task / "children").read_text(encoding="ascii").split()
        except OSError:  # the thread is gone
            continue
        for child in map(int, children):
            yield child
            yield from descendants(child)


@dataclass(frozen=True)
class Cost:
    """What a request for nothing costs at most: seconds that the parent waits, and of processors."""

    wall: float
    processors: float

    @classmethod
    def of(cls, requests: Sequence[Spent]) -> Cost:
        """Return the cost of the dearest of several requests for nothing."""
        return cls(max(one.wall - one.waited for one in requests), max(one.processors for one in requests))


def doubt(claimed: float, spent: Spent, cost: Cost, threads: int) -> str | None:
    """Return what does not go with a sample of that many seconds, in words; None where everything does.

    ``spent`` is the parent's account of the request, ``cost`` that of one for nothing, and ``threads`` how
    many processors the worker may use.
    """
    if claimed > spent.wall:
        return (
            f"its clock says {_ms(claimed)}, and the parent waited {_ms(spent.wall)}: it is not the parent's"
        )
    slack = max(claimed, SAMPLE_SECONDS)  # so that twice what it claims is too much
    if spent.main - cost.processors - claimed > slack:
        return (
            f"its main thread worked {_ms(spent.main)} in a sample that its clock says lasted {_ms(claimed)}"
        )
    most = threads * claimed
    if spent.processors - cost.processors - most > threads * slack:
        return (
            f"it took {_ms(spent.processors)} of processors for a sample that its clock says lasted "
            f"{_ms(claimed)}, which on {threads} can be {_ms(most)}"
        )
    left = spent.wall - spent.waited - cost.wall
    if left - claimed > slack:
        return f"the parent waited {_ms(left)} for a sample that its clock says lasted {_ms(claimed)}"
    return None


def noticed(claimed: float) -> float:
    """Return from how many seconds on something is noticed in a sample that lasted as long as it claims."""
    return SHARE * max(claimed, SAMPLE_SECONDS)


def doubt_between(claimed: float, between: Spent, threads: int) -> str | None:
    """Return what a worker did between two turns, in words, if it was more than to come to rest; ``claimed``
    is what its last sample lasted."""
    if between.processors <= threads * SPIN + noticed(claimed):
        return None
    return (
        f"it took {_ms(between.processors)} of processors between its turns, where it has nothing to do; its "
        f"sample lasted {_ms(claimed)}"
    )


def _processor_time(process: int) -> float:
    try:
        return processor_time_of(process)
    except OSError:  # it is gone
        return 0.0


def _scheduled(task: Path) -> tuple[float, float]:
    """Return the seconds that a thread was on a processor, and waited for one."""
    try:
        ran, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0.0, 0.0
    return int(ran) * NANO, int(waited) * NANO


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
