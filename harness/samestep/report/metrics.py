"""Every number that a run knows of one task of one cell, under one name: for JSON, CSV and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samestep.analysis.summary import CellSummary, pays_from

#: What takes so much of a call bounds it.
MOSTLY = 0.8


def facts(summaries: Sequence[CellSummary], summary: CellSummary, task: str) -> dict[str, Any]:
    """Seconds are of one call, if their name does not say of what; ``*_low`` and ``*_high`` are 95 %
    intervals; one sample in twenty is below ``seconds_p05``, and above ``seconds_p95``.

    ``word`` is what may be said of the ratio, all ratios of the comparison taken together ("faster",
    "slower", "tie", "unclear", "baseline"); ``noise`` the ratio of the baseline to itself; ``detectable`` the
    smallest ratio above 1 that would have been called slower.
    """
    timed, ratio = summary.tasks[task], summary.tasks[task].ratio
    latency, transfers, parts = timed.latency or {}, timed.transfers or {}, timed.parts or {}
    pays = pays_from(summaries, summary, task)
    return {
        "seconds": timed.seconds.value,
        "seconds_low": timed.seconds.low,
        "seconds_high": timed.seconds.high,
        "spread": timed.seconds.spread,
        "seconds_p05": timed.seconds.p05,
        "seconds_p95": timed.seconds.p95,
        "seconds_per_step": timed.seconds_per_step,
        "ratio": ratio and ratio.value,
        "ratio_low": ratio and ratio.low,
        "ratio_high": ratio and ratio.high,
        "word": ratio and ratio.word,
        "detectable": ratio and ratio.detectable,
        "noise": timed.noise,
        "flops": timed.flops,
        "fraction_of_peak": timed.fraction_of_peak,
        "import_seconds": summary.import_seconds,
        "build_seconds": summary.build_seconds,
        "first_call_seconds": timed.first_call_seconds,
        "calls_until_steady": timed.until_steady,
        "pays_against": pays and pays[0].cell["implementation"],
        "pays_from_calls": pays and pays[1],
        "latency_seconds": latency.get("median"),
        "latency_p95_seconds": latency.get("p95"),
        "to_device_seconds": transfers.get("to_device"),
        "from_device_seconds": transfers.get("from_device"),
        "launch_seconds": _of_one(parts, "launch_seconds"),
        "device_seconds": _of_one(parts, "device_seconds"),
        "bound_by": _bound(parts),
        "peak_memory_bytes": summary.peak_memory_bytes,
        "device_memory_bytes": summary.device_memory_bytes,
        "samples": timed.seconds.samples,
        "disturbed": timed.disturbed,
        "repeated": timed.repeated,
    }


def _bound(parts: Mapping[str, Any]) -> str | None:
    """What a call on a device mostly waits for; None where the device has no clock of its own."""
    if parts.get("device_seconds") is None:
        return None
    if parts["launch_seconds"] >= MOSTLY * parts["seconds"]:
        return "launching"
    return "the device" if parts["device_seconds"] >= MOSTLY * parts["seconds"] else "the host"


def _of_one(parts: Mapping[str, Any], name: str) -> float | None:
    """Of one call, of a sample of several."""
    value = parts.get(name)
    return None if value is None else float(value) / int(parts["loops"])
