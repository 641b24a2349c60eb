"""Mistakes in running statistics: their momentum, and the divisor of their variance."""

from __future__ import annotations

import numpy as np

from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken


def momentum(d: Difference) -> Models:
    """Another share of the new statistics."""
    if d.before is None or (own := share_of_new(d)) is None:
        return
    if np.array_equal(d.got, d.before):
        yield fixed(d.before, "the running statistics are not updated")
        return
    yield Model(
        lambda value: d.before + value / own * (d.expected - d.before),
        lambda value: (
            f"the running statistics take {spoken(value)} of the new, the reference's {spoken(own)}"
        ),
        (0.01, 0.1, 0.9, 0.99),
        free=True,
    )


def running_variance(d: Difference) -> Models:
    """A running variance of batches divided by n where the reference divides by n - 1, or the other way."""
    own, count = share_of_new(d), batch_count(d)
    if d.before is None or own is None or count is None or "var" not in d.tensor:
        return
    old, new = (1 - own) * d.before, d.expected - (1 - own) * d.before
    for ratio, words in (((count - 1) / count, "by n"), (count / (count - 1), "by n - 1")):
        say = f"the running variance is divided {words} (n = {count}), which the reference's is not"
        yield fixed(old + ratio * new, say)


def share_of_new(d: Difference) -> float | None:
    """Return the share that a new statistic has: PyTorch's momentum, 1 - momentum elsewhere."""
    own = d.setting("momentum", "decay")
    if own is None or d.layer != "batch_norm":
        return None
    is_torch = d.kind.rpartition(".")[2].startswith(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatch")
    )
    share = own if is_torch else 1 - own
    return share if 0 < share < 1 else None


def batch_count(d: Difference) -> int | None:
    """Return how many numbers each statistic of a batch is of; None without an input."""
    for x in d.inputs[:1]:
        if d.expected.size and x.size % d.expected.size == 0 and x.size > d.expected.size:
            return x.size // d.expected.size
    return None
