"""CPU against GPU as tables: the ratio at each size, and from which size on the GPU is faster."""

from __future__ import annotations

from collections.abc import Sequence

from samestep.analysis.cpu_gpu import Curve
from samestep.analysis.curves import Crossing
from samestep.report import formatting

COLUMNS = ("workload", "implementation", "task", "size", "GPU / CPU", "mark", "with transfer")


def markdown(curves: Sequence[Curve]) -> list[str]:
    """Return the lines of the report; none where nothing ran on both devices."""
    if not curves:
        return []
    lines = [
        "", "## CPU against GPU", "",
        "GPU / CPU: the time of one call on the GPU over that on the CPU, in the same round, below 1 is "
        "faster on the GPU; with transfer: the call's inputs brought there and its results back.", "",
    ]  # fmt: skip
    rows = [
        (
            f"{of.workload}:{of.case}, {of.dtype}", formatting.escaped(of.implementation), of.task,
            f"{of.size} {number}" if of.size else "-", formatting.interval(ratio), formatting.mark(ratio),
            f"{curve.with_transfer[number]:.2f}" if ratio.known else formatting.UNKNOWN,
        )
        for curve in curves
        for of in [curve.of]
        for number, ratio in sorted(curve.ratios.items())
    ]  # fmt: skip
    lines += formatting.table(COLUMNS, rows, "lllrrlr")
    return [*lines, "", *(f"- {line}" for line in sentences(curves))]


def sentences(curves: Sequence[Curve]) -> list[str]:
    """Return a sentence for each curve of several sizes: from which size on the GPU is faster."""
    return [
        f"{curve.of.workload}:{curve.of.case}, {curve.of.dtype}, {curve.of.implementation}, {curve.of.task}: "
        f"the GPU is faster {faster_from(curve)}; "
        f"with the transfer {_from(curve.crossing_with_transfer, curve)}"
        for curve in curves
        if curve.crossing and curve.crossing_with_transfer
    ]


def faster_from(curve: Curve) -> str:
    """Return from which size on the GPU is faster, of a curve of several sizes: "from batch 64 on (...)"."""
    assert curve.crossing is not None
    return _from(curve.crossing, curve)


def _from(found: Crossing, curve: Curve) -> str:
    if not found.known:
        return f"from a {curve.of.size} on that this run cannot tell"
    smallest, largest = min(curve.ratios), max(curve.ratios)
    if found.value == 0:
        return f"at every {curve.of.size} from {smallest} on"
    if found.value == float("inf"):
        return f"at no {curve.of.size} up to {largest}"
    low = f"{found.low:.0f}" if found.low else f"below {smallest}"
    high = f"{found.high:.0f}" if found.high < float("inf") else f"beyond {largest}"
    return f"from {curve.of.size} {found.value:.0f} on (95 %: {low} to {high})"
