"""Guesses that call the reference elsewhere: on another batch, or at params that have already moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from samestep.agreement.diagnosis.mismatch import Guess, Mismatch


def other_batch(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the batch with a row left out, its targets shifted, or its order ignored."""
    axes, point = mismatch.axes, mismatch.point
    used = point.arrays
    rows = {n: axes[n].index("n") for n in used if "n" in axes.get(n, "")}
    rows |= {n: axes[n].index("r") for n in used if "r" in axes.get(n, "")}
    for name, cut in (("last", slice(None, -1)), ("first", slice(1, None))):
        arrays = {n: np.moveaxis(np.moveaxis(used[n], axis, 0)[cut], 0, axis) for n, axis in rows.items()}
        tensor = mismatch.reference_at(replace(point, arrays={**used, **arrays}))
        if tensor is not None:
            yield Guess("missing row", f"the {name} row of the batch is left out", tensor)
    for name in ("y", "labels"):
        if name in used:
            for shift in (1, -1):
                shifted = {**used, name: np.roll(used[name], shift, axis=0)}
                tensor = mismatch.reference_at(replace(point, arrays=shifted))
                if tensor is not None:
                    yield Guess("targets", f"{name} is shifted by a row", tensor)
    if "order" in used:
        order = np.arange(used["order"].size, dtype=used["order"].dtype).reshape(used["order"].shape)
        tensor = mismatch.reference_at(replace(point, arrays={**used, "order": order}))
        if tensor is not None:
            yield Guess("data", "the order is ignored: the batches are taken as they lie", tensor)


def updated_params(mismatch: Mismatch) -> Iterator[Guess]:
    """Return a loss, or an update, that is computed at params that have already moved."""
    task, point = mismatch.expectation.task, mismatch.point
    new = mismatch.expectation.exact.state
    if not new:
        return
    updated = {n: new[n] for n in point.params if n in new}
    if mismatch.tensor in ("loss", "losses"):
        tensor = mismatch.reference_at(point.with_params({**point.params, **updated}))
        if tensor is not None:
            yield Guess("updated weights", f"{mismatch.tensor} is taken after the update", tensor)
    spec = mismatch.reference.spec
    what = f"{mismatch.tensor} is" if mismatch.tensor in spec.state else f"{mismatch.tensor}'s gradient is"
    for other in spec.differentiated(updated):
        if other != mismatch.tensor and mismatch.before is not None:
            outcome = mismatch.reference.exact(
                task, point.with_params({**point.params, other: updated[other]})
            )
            yield Guess(
                "updated weights",
                f"{what} taken at the updated {other}",
                outcome.state[mismatch.tensor],
            )
