"""Every number that a run knows of one task of one cell, under one name: for JSON, CSV and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from samestep.analysis.break_even import BreakEven, break_even
from samestep.analysis.statistics import TWICE, Contrast
from samestep.analysis.summary import CellSummary
from samestep.codec import in_json
from samestep.records.schema import Parts

#: A call is bound by what takes at least this part of it.
BINDING = 0.8


@dataclass(frozen=True)
class Metrics:
    """The numbers of a task of a cell; None where the run does not know one.

    Seconds are of one call, unless their name says of what; ``*_low`` and ``*_high`` are 95 % intervals; one
    sample in twenty is below ``seconds_p05``, and above ``seconds_p95``; ``spread`` is the median absolute
    deviation as a part of the median. ``word`` is what may be said of the ratio, all ratios of the comparison
    taken together ("faster", "slower", "tie", "unclear", "baseline"); ``noise`` the A/A ratio, inf
    beyond half or twice; ``detectable`` the smallest ratio above 1 that would be called slower four times in
    five, inf where twice the time would not be. A ratio of which noise leaves nothing known has its word
    alone; a time stays, with its interval. ``processes`` and ``rounds`` (of the process
    that took fewest) are what the numbers of this task are over.
    ``break_even_calls`` is inf where the start-up cost never pays. Memory is in bytes.
    """

    seconds: float
    seconds_low: float
    seconds_high: float
    spread: float
    seconds_p05: float
    seconds_p95: float
    seconds_per_step: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    word: str | None
    detectable: float | None
    noise: float | None
    flops: float
    fraction_of_peak: float | None
    import_seconds: float | None
    build_seconds: float | None
    first_call_seconds: float | None
    calls_until_steady: int | None
    break_even_against: str | None = field(metadata=in_json("pays_against"))
    break_even_calls: float | None = field(metadata=in_json("pays_from_calls"))
    latency_seconds: float | None
    latency_p95_seconds: float | None
    to_device_seconds: float | None
    from_device_seconds: float | None
    launch_seconds: float | None
    device_seconds: float | None
    bound_by: str | None
    peak_memory_bytes: int | None
    device_memory_bytes: int | None
    samples: int
    disturbed: int
    repeated: int
    processes: int
    rounds: int

    def to_row(self) -> dict[str, float | str | None]:
        """Return the numbers by their names in JSON and CSV documents."""
        return {str(one.metadata.get("name") or one.name): getattr(self, one.name) for one in fields(self)}


def metrics_of(summaries: Sequence[CellSummary], summary: CellSummary, task: str) -> Metrics:
    """Return the metrics of a task that a cell timed; ``summaries`` are all cells of the run."""
    timed = summary.tasks[task]
    ratio, latency, transfer, parts = timed.ratio, timed.latency, timed.transfer, timed.parts
    against, calls = _break_even(break_even(summaries, summary, task))
    value, low, high, word, detectable = _contrast(ratio)
    return Metrics(
        seconds=timed.seconds.value, seconds_low=timed.seconds.low, seconds_high=timed.seconds.high,
        spread=timed.seconds.spread,
        seconds_p05=timed.seconds.p05,
        seconds_p95=timed.seconds.p95,
        seconds_per_step=timed.seconds_per_step,
        ratio=value,
        ratio_low=low,
        ratio_high=high,
        word=word,
        detectable=detectable,
        noise=_control(timed.noise),
        flops=timed.flops,
        fraction_of_peak=timed.fraction_of_peak,
        import_seconds=summary.import_seconds,
        build_seconds=summary.build_seconds,
        first_call_seconds=timed.first_call_seconds,
        calls_until_steady=timed.until_steady,
        break_even_against=against,
        break_even_calls=calls,
        latency_seconds=latency.median if latency else None,
        latency_p95_seconds=latency.p95 if latency else None,
        to_device_seconds=transfer.to_device if transfer else None,
        from_device_seconds=transfer.from_device if transfer else None,
        launch_seconds=parts.launch_seconds / parts.loops if parts else None,
        device_seconds=_device_seconds(parts),
        bound_by=_bound(parts),
        peak_memory_bytes=_whole(summary.peak_memory_bytes),
        device_memory_bytes=_whole(summary.device_memory_bytes),
        samples=timed.seconds.samples,
        disturbed=timed.disturbed,
        repeated=timed.repeated,
        processes=len(timed.rounds),
        rounds=min(timed.rounds),
    )  # fmt: skip


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)


def _contrast(
    ratio: Contrast | None,
) -> tuple[float | None, float | None, float | None, str | None, float | None]:
    if ratio is None:
        return None, None, None, None, None
    if not ratio.known:
        return None, None, None, ratio.word, math.inf
    return ratio.value, ratio.low, ratio.high, ratio.word, ratio.detectable


def _control(noise: float | None) -> float | None:
    """Return the A/A ratio; inf where it is beyond half or twice."""
    return math.inf if noise and abs(math.log(noise)) >= TWICE else noise


def _break_even(found: BreakEven | None) -> tuple[str | None, float | None]:
    """Return against which implementation, and after how many calls: inf for never."""
    if found is None:
        return None, None
    return found.against.cell.implementation, math.inf if found.calls is None else found.calls


def _device_seconds(parts: Parts | None) -> float | None:
    if parts is None or parts.device_seconds is None:
        return None
    return parts.device_seconds / parts.loops


def _bound(parts: Parts | None) -> str | None:
    """Return what a call on a device mostly waits for; None where the device has no clock of its own."""
    if parts is None or parts.device_seconds is None:
        return None
    if parts.launch_seconds >= BINDING * parts.seconds:
        return "launching"
    return "the device" if parts.device_seconds >= BINDING * parts.seconds else "the host"
